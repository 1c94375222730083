import { describe, expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import { elementCount } from '../../lib/engine/tensor.ts';
import { makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { noise, type WeightSpec } from '../helpers/model-builder.ts';
import { factsByRunning, float32, graphOf, type NodeSpec, pseudoRandom, relativeError, runGraph } from './harness.ts';

// The gradient of a linear operator is its transpose, and ONNX Runtime itself says what the operator is: its results
// for unit images are the columns. This pins the conventions in which engines differ (windows in ceil mode, coordinates
// of Resize), where no other reference would do.

interface LinearCase {
  readonly nodes: readonly NodeSpec[];
  readonly dims: readonly number[];
  readonly opset: number;
  readonly weights?: Readonly<Record<string, WeightSpec>>;
}

const averagePool = (
  opset: number,
  dims: readonly number[],
  attributes: Readonly<Record<string, unknown>>,
): LinearCase => ({
  nodes: [['AveragePool', ['x'], ['y'], attributes]],
  dims,
  opset,
});

const scaled = (
  op: 'Resize' | 'Upsample',
  opset: number,
  scales: readonly number[],
  attributes: Readonly<Record<string, unknown>>,
): LinearCase => ({
  nodes: [[op, op === 'Upsample' || opset < 11 ? ['x', 's'] : ['x', 'r', 's'], ['y'], attributes]],
  dims: [1, 1, 4, 3],
  opset,
  weights: {
    s: { dims: [4], data: Float32Array.from([1, 1, ...scales]) },
    r: { dims: [0], data: new Float32Array(0) },
  },
});

const CASES: Readonly<Record<string, LinearCase>> = {
  ...Object.fromEntries(
    [10, 11, 17, 19, 20].flatMap(opset =>
      [0, 1].map(count => [
        `AveragePool in ceil mode, count_include_pad ${count}, opset ${opset}`,
        averagePool(opset, [1, 1, 6, 7], {
          kernel_shape: [3, 2],
          strides: [2, 3],
          pads: [1, 0, 1, 1],
          ceil_mode: 1,
          count_include_pad: count,
        }),
      ]),
    ),
  ),
  'AveragePool with rows that are never read': averagePool(17, [1, 1, 7, 8], { kernel_shape: [2, 2], strides: [3, 3] }),
  'AveragePool of three dimensions': averagePool(17, [1, 1, 4, 4, 4], { kernel_shape: [2, 2, 2], strides: [2, 2, 2] }),
  'Upsample linear, opset 9': scaled('Upsample', 9, [2, 2], { mode: 'linear' }),
  'Resize linear, opset 10': scaled('Resize', 10, [2, 1.5], { mode: 'linear' }),
  'Resize nearest by fractions, opset 10': scaled('Resize', 10, [1.5, 1.34], { mode: 'nearest' }),
  'Resize cubic, align_corners': scaled('Resize', 13, [2, 2], {
    mode: 'cubic',
    coordinate_transformation_mode: 'align_corners',
    cubic_coeff_a: { float: -0.5 },
  }),
  'Resize linear that shrinks': scaled('Resize', 17, [0.6, 0.67], { mode: 'linear' }),
  'Resize nearest, half_pixel, by two': scaled('Resize', 11, [2, 2], { mode: 'nearest' }),
  'Resize nearest, round_prefer_ceil, by three': scaled('Resize', 13, [3, 3], {
    mode: 'nearest',
    nearest_mode: 'round_prefer_ceil',
  }),
  'depthwise convolution, strides and dilations': {
    nodes: [['Conv', ['x', 'w'], ['y'], { group: 2, strides: [2, 3], dilations: [2, 1], pads: [1, 0, 2, 1] }]],
    dims: [1, 2, 7, 6],
    opset: 17,
    weights: { w: noise([2, 1, 3, 2], 5) },
  },
};

describe.each(Object.entries(CASES))('%s', (_, { nodes, dims, opset, weights }) => {
  it('has the transpose of the operator as its gradient', async () => {
    const graph = graphOf({ nodes, inputs: { x: ['n', ...dims.slice(1)] }, opset, weights });
    const facts = await factsByRunning(graph, { x: float32(dims, new Float32Array(elementCount(dims))) });
    const outputDims = facts.get('y')!.dims;
    const seed = pseudoRandom(outputDims, 3);
    const count = elementCount(dims);
    const units = new Float32Array(count * count);
    for (let index = 0; index < count; index++) units[index * (count + 1)] = 1;
    const columns = (await runGraph(graph, { x: float32([count, ...dims.slice(1)], units) }, ['y'])).y!
      .data as Float32Array;
    const expected = Array.from({ length: count }, (_, index) =>
      seed.data.reduce((sum, value, cell) => sum + value * columns[index * seed.data.length + cell]!, 0),
    );
    graph.inputs.push(makeValueInfo('seed', 'float32', outputDims));
    const { gradients } = differentiate({ graph, facts, seeds: { y: { gradient: 'seed' } }, wrt: ['x'] });
    const name = gradients.get('x')!;
    const x = pseudoRandom(dims, 8);
    const gradient = (await runGraph(graph, { x, seed }, [name]))[name]!;
    expect(gradient.dims).toEqual(dims);
    expect(relativeError(gradient.data as Float32Array, expected)).toBeLessThan(2e-6);
  });
});
