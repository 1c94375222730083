import { describe, expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import type { Tensor, TensorType } from '../../lib/engine/tensor.ts';
import { halfToNumber, numberToHalf } from '../../lib/model/graph/tensor-values.ts';
import { makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { noise, type WeightSpec } from '../helpers/model-builder.ts';
import { factsByRunning, graphOf, type NodeSpec, pseudoRandom, relativeError, runGraph } from './harness.ts';

/** Where JavaScript has a Float16Array (Node 24), onnxruntime-node 1.29, which runs these graphs, makes such but reads none. */
const noHalfTensors = 'Float16Array' in globalThis;

/** Relative error of a gradient whose every operation is rounded to 11 bits. */
const HALF_TOLERANCE = 1e-2;

const toHalf = (tensor: { dims: readonly number[]; data: ArrayLike<number> }): Tensor<'float16'> => ({
  type: 'float16',
  dims: tensor.dims,
  data: Uint16Array.from(Array.from(tensor.data), numberToHalf),
});

const rounded = (tensor: Tensor<'float32'>): Tensor<'float32'> => ({
  ...tensor,
  data: tensor.data.map(value => halfToNumber(numberToHalf(value))),
});

interface Network {
  readonly nodes: readonly NodeSpec[];
  readonly weights: Readonly<Record<string, { dims: readonly number[]; data: Float32Array }>>;
  readonly indices?: Readonly<Record<string, WeightSpec>>;
  readonly dims: readonly number[];
  readonly opset?: number;
}

const conv = { w: noise([3, 2, 3, 3], 1, 0.5) };
const NETWORKS: Readonly<Record<string, Network>> = {
  'Conv, Relu, strided Conv': {
    nodes: [
      ['Conv', ['x', 'w'], ['a'], { pads: [1, 1, 1, 1] }],
      ['Relu', ['a'], ['b']],
      ['Conv', ['b', 'v'], ['y'], { strides: [2, 2], group: 3 }],
    ],
    weights: { ...conv, v: noise([3, 1, 3, 3], 2, 0.5) },
    dims: [1, 2, 6, 6],
  },
  'Clip and HardSwish': {
    nodes: [
      ['HardSwish', ['x'], ['a']],
      ['Clip', ['a', 'low', 'high'], ['y']],
    ],
    weights: { low: { dims: [], data: Float32Array.of(0) }, high: { dims: [], data: Float32Array.of(1) } },
    dims: [1, 2, 6, 6],
  },
  'overlapping MaxPool': {
    nodes: [['MaxPool', ['x'], ['y'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }]],
    weights: {},
    dims: [1, 2, 6, 6],
  },
  'overlapping MaxPool, opset 11': {
    nodes: [['MaxPool', ['x'], ['y'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }]],
    weights: {},
    dims: [1, 2, 6, 6],
    opset: 11,
  },
  LayerNormalization: {
    nodes: [['LayerNormalization', ['x', 's'], ['y']]],
    weights: { s: noise([6], 4) },
    dims: [2, 3, 6],
  },
  'softmax of a sum': {
    nodes: [
      ['Sigmoid', ['x'], ['g']],
      ['Mul', ['x', 'g'], ['a']],
      ['ReduceMean', ['a'], ['m'], { axes: [2], keepdims: 0 }],
      ['Softmax', ['m'], ['y'], { axis: 1 }],
    ],
    weights: {},
    dims: [2, 3, 6],
  },
};

describe.each(Object.entries(NETWORKS))('float16 models: %s', (_, { nodes, weights, dims, opset }) => {
  it.skipIf(noHalfTensors)('agrees with float32 to half precision, with constants of the right type', async () => {
    const x = rounded(pseudoRandom(dims, 3));
    const results: number[][] = [];
    let seed: Tensor<'float32'> | undefined;
    for (const type of ['float32', 'float16'] as const) {
      const own = (tensor: Tensor<'float32'>): Tensor => (type === 'float16' ? toHalf(tensor) : tensor);
      const graph = graphOf({
        nodes,
        inputs: { x: dims },
        inputType: type,
        weights: Object.fromEntries(
          Object.entries(weights).map(([name, weight]) => [name, own(rounded({ type: 'float32', ...weight }))]),
        ),
        opset,
      });
      const facts = await factsByRunning(graph, { x: own(x) });
      const score = facts.get('y')!;
      seed ??= rounded(pseudoRandom(score.dims, 5));
      graph.inputs.push(makeValueInfo('seed', type, score.dims));
      const before = new Set(graph.initializers.keys());
      const { gradients } = differentiate({ graph, facts, seeds: { y: { gradient: 'seed' } }, wrt: ['x'] });
      const name = gradients.get('x')!;
      const output = (await runGraph(graph, { x: own(x), seed: own(seed) }, [name]))[name]!;
      expect(output.type).toBe(type);
      results.push(Array.from(output.data as ArrayLike<number>, type === 'float16' ? halfToNumber : Number));
      if (type === 'float16') {
        const kinds = [...graph.initializers].filter(([key]) => !before.has(key)).map(([, { dataType }]) => dataType);
        // float16, int64, and float32 for the scales of Resize alone.
        expect(kinds.every(kind => kind === 10 || kind === 7)).toBe(true);
      }
    }
    expect(relativeError(results[1]!, results[0]!)).toBeLessThan(HALF_TOLERANCE);
  });
});

describe('quantised models', () => {
  /** One quantised value per step of 0.05; values outside [−1, 2.5] or so saturate. */
  const scale = 0.05;
  const pair = (from: string, to: string): NodeSpec[] => [
    ['QuantizeLinear', [from, 's', 'z'], [`${to}q`]],
    ['DequantizeLinear', [`${to}q`, 's', 'z'], [to]],
  ];
  const weights = (zero: number, type: TensorType): Readonly<Record<string, WeightSpec>> => ({
    s: { dims: [], data: Float32Array.of(scale) },
    z: { dims: [], type, data: type === 'uint8' ? Uint8Array.of(zero) : Int8Array.of(zero) },
  });

  it.each([
    ['uint8', 20, -1, 11.75],
    ['int8', -10, -5.9, 6.85],
  ] as const)('passes the gradient where %s can hold the value', async (type, zero, low, high) => {
    const graph = graphOf({
      nodes: [['Mul', ['x', 'k'], ['a']], ...pair('a', 'd'), ['Mul', ['d', 'd'], ['y']]],
      inputs: { x: [8] },
      weights: { ...weights(zero, type), k: { dims: [], data: Float32Array.of(1) } },
    });
    const x = { type: 'float32' as const, dims: [8], data: Float32Array.of(-7, -3, -0.5, 0, 1, 6, 11, 14) };
    const facts = await factsByRunning(graph, { x });
    graph.inputs.push(makeValueInfo('seed', 'float32', [8]));
    const { gradients } = differentiate({ graph, facts, seeds: { y: { gradient: 'seed' } }, wrt: ['x'] });
    const name = gradients.get('x')!;
    const seed = { type: 'float32' as const, dims: [8], data: new Float32Array(8).fill(1) };
    const outputs = await runGraph(graph, { x, seed }, [name, 'd'], 'disabled');
    const dequantised = outputs.d!.data as Float32Array;
    const expected = x.data.map((value, index) => (value > low && value < high ? 2 * dequantised[index]! : 0));
    expect(relativeError(outputs[name]!.data as Float32Array, expected)).toBeLessThan(1e-6);
  });

  it('does not mask behind operators that stay in range', async () => {
    const graph = graphOf({
      nodes: [...pair('x', 'd'), ['GlobalAveragePool', ['d'], ['p']], ...pair('p', 'e'), ['Exp', ['e'], ['y']]],
      inputs: { x: [1, 2, 2, 2] },
      weights: weights(0, 'uint8'),
    });
    // Small means round to zero, the edge of the range, without having saturated.
    const x = { type: 'float32' as const, dims: [1, 2, 2, 2], data: Float32Array.of(0.06, 0, 0, 0, 3, 1, 2, 2) };
    const facts = await factsByRunning(graph, { x });
    graph.inputs.push(makeValueInfo('seed', 'float32', [1, 2, 1, 1]));
    const { gradients } = differentiate({ graph, facts, seeds: { y: { gradient: 'seed' } }, wrt: ['d'] });
    const name = gradients.get('d')!;
    const seed = { type: 'float32' as const, dims: [1, 2, 1, 1], data: Float32Array.of(1, 1) };
    const outputs = await runGraph(graph, { x, seed }, [name, 'y'], 'disabled');
    const [first, second] = outputs.y!.data as Float32Array;
    const expected = [...Array(4).fill(first! / 4), ...Array(4).fill(second! / 4)];
    expect(relativeError(outputs[name]!.data as Float32Array, expected)).toBeLessThan(1e-6);
  });
});
