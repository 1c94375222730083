import { beforeAll, describe, expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import type { Graph } from '../../lib/model/graph/graph.ts';
import { makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { noise } from '../helpers/model-builder.ts';
import { factsByRunning, graphOf, type NodeSpec, pseudoRandom, relativeError, runGraph } from './harness.ts';

/** One network with an operator of every kind whose backward form depends on the opset. */
function network(opset: number): Graph {
  const clip: NodeSpec =
    opset < 11
      ? ['Clip', ['b'], ['c'], { min: { float: -0.5 }, max: { float: 1 } }]
      : ['Clip', ['b', 'low', 'high'], ['c']];
  const mean: NodeSpec =
    opset < 18
      ? ['ReduceMean', ['j'], ['m'], { axes: [2, 3], keepdims: 0 }]
      : ['ReduceMean', ['j', 'axes'], ['m'], { keepdims: 0 }];
  return graphOf({
    nodes: [
      ['Conv', ['x', 'w1'], ['a'], { pads: [1, 1, 1, 1] }],
      ['BatchNormalization', ['a', 'scale', 'bias', 'mean', 'variance'], ['b']],
      clip,
      ['MaxPool', ['c'], ['d'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
      ['MaxPool', ['c'], ['e'], { kernel_shape: [2, 2], strides: [2, 2] }],
      ['Concat', ['d', 'e'], ['f'], { axis: 1 }],
      ['Conv', ['f', 'w2'], ['g'], { strides: [2, 2], group: 6, pads: [1, 1, 1, 1] }],
      ['PRelu', ['g', 'slope'], ['h']],
      ['AveragePool', ['h'], ['i'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }],
      ['Add', ['h', 'i'], ['j']],
      mean,
      ['Gemm', ['m', 'w3', 'bias3'], ['k'], { transB: 1 }],
      ['LogSoftmax', ['k'], ['y'], { axis: 1 }],
    ],
    inputs: { x: [2, 2, 8, 8] },
    weights: {
      w1: noise([3, 2, 3, 3], 1),
      w2: noise([6, 1, 3, 3], 2),
      w3: noise([4, 6], 3),
      bias3: noise([4], 4),
      scale: noise([3], 5),
      bias: noise([3], 6),
      mean: noise([3], 7),
      variance: { dims: [3], data: Float32Array.of(0.5, 1, 2) },
      slope: { dims: [6, 1, 1], data: Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6) },
      low: { dims: [], data: Float32Array.of(-0.5) },
      high: { dims: [], data: Float32Array.of(1) },
      axes: { dims: [2], type: 'int64', data: [2, 3] },
    },
    opset,
  });
}

async function gradient(opset: number): Promise<Float32Array> {
  const graph = network(opset);
  const feeds = { x: pseudoRandom([2, 2, 8, 8], 1), seed: pseudoRandom([2, 4], 2) };
  const facts = await factsByRunning(graph, feeds);
  graph.inputs.push(makeValueInfo('seed', 'float32', [2, 4]));
  const { gradients } = differentiate({ graph, facts, seeds: { y: { gradient: 'seed' } }, wrt: ['x'] });
  const name = gradients.get('x')!;
  return (await runGraph(graph, feeds, [name]))[name]!.data as Float32Array;
}

describe('every opset emits its own forms', () => {
  let reference: Float32Array;
  beforeAll(async () => {
    // Its operators are those that the stored cases check one by one.
    reference = await gradient(17);
  });

  it.each([7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22])('%i', async opset => {
    expect(reference.some(value => Math.abs(value) > 1e-3)).toBe(true);
    expect(relativeError(await gradient(opset), reference)).toBeLessThan(1e-5);
  });
});
