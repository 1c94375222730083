/** DeepLIFT's rules one by one: multipliers times what a layer changed by are what the score changed by, against zeros. */
import { expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import { appendReference } from '../../lib/autodiff/reference.ts';
import { deepLiftPatterns, deepLiftRules } from '../../lib/autodiff/rulesets/deep-lift.ts';
import { makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { noise } from '../helpers/model-builder.ts';
import { factsByRunning, float32, graphOf, type NodeSpec, pseudoRandom, runGraph } from './harness.ts';

/** From a [2,4,6,6] to r; p = a + 0.3 is a second tensor that depends on the layer, and is not zero in the reference. */
const CASES: Readonly<Record<string, readonly NodeSpec[]>> = {
  Abs: [['Abs', ['a'], ['r']]],
  Atan: [['Atan', ['p'], ['r']]],
  Shrink: [['Shrink', ['p'], ['r']]],
  Clip: [['Clip', ['p', 'low', 'high'], ['r']]],
  Elu: [['Elu', ['a'], ['r']]],
  Exp: [['Exp', ['a'], ['r']]],
  HardSwish: [['HardSwish', ['p'], ['r']]],
  'SiLU in pieces': [
    ['Sigmoid', ['p'], ['s']],
    ['Mul', ['p', 's'], ['r']],
  ],
  Pow: [['Pow', ['p', 'three'], ['r']]],
  'Max with a constant': [['Max', ['p', 'low'], ['r']]],
  Reciprocal: [
    ['Exp', ['a'], ['e']],
    ['Reciprocal', ['e'], ['r']],
  ],
  Sqrt: [
    ['Mul', ['p', 'p'], ['e']],
    ['Sqrt', ['e'], ['r']],
  ],
  'a product of two': [
    ['Tanh', ['a'], ['t']],
    ['Mul', ['p', 't'], ['r']],
  ],
  'a quotient of two': [
    ['Exp', ['a'], ['e']],
    ['Div', ['p', 'e'], ['r']],
  ],
  'a quotient of a constant': [
    ['Exp', ['a'], ['e']],
    ['Div', ['three', 'e'], ['r']],
  ],
  'MatMul of two': [
    ['Transpose', ['p'], ['t'], { perm: [0, 1, 3, 2] }],
    ['MatMul', ['a', 't'], ['m']],
    ['MatMul', ['m', 'p'], ['r']],
  ],
  'Einsum of two': [['Einsum', ['a', 'p'], ['r'], { equation: 'nchw,nchv->ncwv' }]],
  MaxPool: [['MaxPool', ['p'], ['r'], { kernel_shape: [2, 2], strides: [2, 2] }]],
  'MaxPool that overlaps': [['MaxPool', ['p'], ['r'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }]],
  GlobalMaxPool: [['GlobalMaxPool', ['p'], ['r']]],
  ReduceMax: [['ReduceMax', ['p'], ['r'], { axes: [2], keepdims: 0 }]],
  ReduceMin: [['ReduceMin', ['p'], ['r'], { axes: [1], keepdims: 1 }]],
  ReduceL2: [['ReduceL2', ['p'], ['r'], { axes: [1], keepdims: 1 }]],
  ReduceSumSquare: [['ReduceSumSquare', ['p'], ['r'], { axes: [3], keepdims: 0 }]],
  Softmax: [['Softmax', ['p'], ['r'], { axis: 1 }]],
  LogSoftmax: [['LogSoftmax', ['p'], ['r'], { axis: -1 }]],
  LayerNormalization: [['LayerNormalization', ['p', 'gain', 'shift'], ['r'], { axis: -1 }]],
};

it.each(Object.entries(CASES))('%s', async (_, nodes) => {
  const graph = graphOf({
    nodes: [
      ['Tanh', ['x'], ['a']],
      ['Add', ['a', 'offset'], ['p']],
      ...nodes,
      // Every element counts differently.
      ['Flatten', ['r'], ['f']],
      ['Cos', ['f'], ['c']],
      ['ReduceSum', ['c', 'one'], ['y'], { keepdims: 1 }],
    ],
    inputs: { x: ['N', 4, 6, 6] },
    weights: {
      offset: noise([1, 4, 6, 6], 2, 0.3),
      low: { dims: [], data: Float32Array.of(-0.4) },
      high: { dims: [], data: Float32Array.of(0.5) },
      three: { dims: [], data: Float32Array.of(3) },
      gain: noise([6], 3),
      shift: noise([6], 4),
      one: { dims: [1], type: 'int64', data: [1] },
    },
  });
  const original = graph.clone();
  const x = pseudoRandom([2, 4, 6, 6], 4);
  const facts = await factsByRunning(graph, { x }, { x: pseudoRandom([3, 4, 6, 6], 5) });
  graph.inputs.push(makeValueInfo('seed', 'float32', ['N', 1]));
  const reference = appendReference(graph, facts, 'a', ['y']);
  const { gradients } = differentiate({
    graph,
    facts: new Map(reference.facts).set('seed', { type: 'float32', dims: [-1, 1] }),
    seeds: { y: { gradient: 'seed' } },
    wrt: ['a'],
    rules: deepLiftRules(reference),
    patterns: deepLiftPatterns(reference),
  });
  const name = gradients.get('a')!;
  const run = await runGraph(graph, { x, seed: float32([2, 1], [1, -2]) }, [name, 'a', 'y']);
  const zero = await runGraph(original, { x: float32(x.dims, new Float32Array(x.data.length)) }, ['y']);
  const [m, a, y, y0] = [run[name], run.a, run.y, zero.y].map(tensor => tensor!.data as Float32Array) as Float32Array[];
  const size = a!.length / 2;
  for (const [n, weight] of [1, -2].entries()) {
    let sum = 0;
    for (let i = n * size; i < (n + 1) * size; i++) sum += m![i]! * a![i]!;
    const expected = weight * (y![n]! - y0![n]!);
    expect(Math.abs(expected)).toBeGreaterThan(1e-3);
    expect(Math.abs(sum - expected)).toBeLessThan(2e-4 * Math.max(1, Math.abs(expected)));
  }
});
