/** Rules of relevance propagation one by one: what comes out is what went in, unless places are dropped. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import { relevanceRules } from '../../lib/autodiff/rulesets/relevance.ts';
import { makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { noise, type WeightSpec } from '../helpers/model-builder.ts';
import { factsByRunning, graphOf, type NodeSpec, pseudoRandom, runGraph } from './harness.ts';

const ints = (...data: number[]): WeightSpec => ({ dims: [data.length], type: 'int64', data });
const index = (value: number): WeightSpec => ({ dims: [], type: 'int64', data: [value] });

/** Relevance of a = |x| + 0.1 [2, 4, 6, 6], and what was given to y. */
async function relevanceOf(nodes: readonly NodeSpec[], weights: Readonly<Record<string, WeightSpec>> = {}, opset = 18) {
  const graph = graphOf({
    nodes: [['Abs', ['x'], ['b']], ['Add', ['b', 'tenth'], ['a']], ...nodes],
    inputs: { x: [2, 4, 6, 6] },
    weights: { tenth: { dims: [], data: Float32Array.of(0.1) }, ...weights },
    opset,
  });
  const x = pseudoRandom([2, 4, 6, 6], 7);
  const facts = await factsByRunning(graph, { x });
  const { dims } = facts.get('y')!;
  graph.inputs.push(makeValueInfo('seed', 'float32', dims));
  const seed = pseudoRandom(dims, 8);
  const { gradients } = differentiate({
    graph,
    facts,
    seeds: { y: { gradient: 'seed' } },
    wrt: ['a'],
    rules: relevanceRules,
  });
  const name = gradients.get('a')!;
  const { a, [name]: relevance } = await runGraph(graph, { x, seed }, ['a', name]);
  return { a: a!.data as Float32Array, relevance: relevance!.data as Float32Array, seed: seed.data };
}

const total = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0);

interface Case {
  readonly nodes: readonly NodeSpec[];
  readonly weights?: Readonly<Record<string, WeightSpec>>;
  readonly opset?: number;
}

const KEPT: Readonly<Record<string, Case>> = {
  Col2Im: {
    nodes: [
      ['Reshape', ['a', 'columns'], ['q']],
      ['Col2Im', ['q', 'image', 'block'], ['y']],
    ],
    weights: { columns: ints(2, 16, 9), image: ints(4, 4), block: ints(2, 2) },
  },
  CumSum: { nodes: [['CumSum', ['a', 'axis'], ['y']]], weights: { axis: index(3) } },
  GlobalLpPool: { nodes: [['GlobalLpPool', ['a'], ['y'], { p: 3 }]] },
  GridSample: {
    nodes: [['GridSample', ['a', 'grid'], ['y'], { padding_mode: 'border' }]],
    weights: { grid: noise([2, 3, 4, 2], 4) },
  },
  GroupNormalization: {
    nodes: [['GroupNormalization', ['a', 'two', 'two'], ['y'], { num_groups: 2 }]],
    weights: { two: noise([2], 4) },
  },
  LpPool: { nodes: [['LpPool', ['a'], ['y'], { kernel_shape: [2, 2], strides: [2, 2] }]] },
  'Mean of two': {
    nodes: [
      ['Mul', ['a', 'a'], ['q']],
      ['Sqrt', ['a'], ['s']],
      ['Mean', ['a', 's'], ['y']],
    ],
  },
  'Pow and Sin': {
    nodes: [
      ['Pow', ['a', 'three'], ['p']],
      ['Sin', ['p'], ['y']],
    ],
    weights: { three: { dims: [], data: Float32Array.of(3) } },
  },
  ReduceL2: { nodes: [['ReduceL2', ['a', 'axes'], ['y']]], weights: { axes: ints(1, 3) } },
  ReverseSequence: {
    nodes: [
      ['Transpose', ['a'], ['t'], { perm: [2, 0, 1, 3] }],
      ['ReverseSequence', ['t', 'lengths'], ['y']],
    ],
    weights: { lengths: ints(3, 6) },
  },
  'RoiAlign of means': {
    nodes: [['RoiAlign', ['a', 'boxes', 'which'], ['y'], { output_height: 2, output_width: 2, sampling_ratio: 2 }]],
    weights: { boxes: { dims: [2, 4], data: Float32Array.of(0.5, 1, 4.2, 5, 1, 0.8, 5, 3) }, which: ints(1, 0) },
  },
  'RoiAlign of maxima': {
    nodes: [
      [
        'RoiAlign',
        ['a', 'boxes', 'which'],
        ['y'],
        { mode: 'max', output_height: 2, output_width: 2, sampling_ratio: 2 },
      ],
    ],
    weights: { boxes: { dims: [2, 4], data: Float32Array.of(0.5, 1, 4.2, 5, 1, 0.8, 5, 3) }, which: ints(1, 0) },
  },
  TopK: {
    nodes: [['TopK', ['a', 'two'], ['y', 'places'], { axis: 1 }]],
    weights: { two: ints(2) },
  },
};

describe('relevance is kept', () => {
  it.each(Object.entries(KEPT))('%s', async (_, { nodes, weights, opset }) => {
    const { relevance, seed } = await relevanceOf(nodes, weights, opset);
    expect(Math.abs(total(seed))).toBeGreaterThan(0.02);
    expect(total(relevance)).toBeCloseTo(total(seed), 3);
  });
});

/** Softmax(q·kᵀ)·v of the layer's rows, every projection its own. */
const attention = (product: (p: string, v: string) => NodeSpec): readonly NodeSpec[] => [
  ['MatMul', ['a', 'wq'], ['q']],
  ['MatMul', ['a', 'wk'], ['k']],
  ['MatMul', ['a', 'wv'], ['v']],
  ['Transpose', ['k'], ['kt'], { perm: [0, 1, 3, 2] }],
  ['MatMul', ['q', 'kt'], ['s']],
  ['Softmax', ['s'], ['p']],
  product('p', 'v'),
];

it.each([
  ['MatMul', (p: string, v: string): NodeSpec => ['MatMul', [p, v], ['y']]],
  ['Einsum', (p: string, v: string): NodeSpec => ['Einsum', [p, v], ['y'], { equation: 'nhqk,nhkd->nhqd' }]],
] as const)("attention's probabilities are weights of the values, by %s", async (_, product) => {
  const positive = (seed: number): WeightSpec => {
    const { dims, data } = noise([6, 6], seed);
    return { dims, data: Float32Array.from(data, Math.abs) };
  };
  const weights = { wq: noise([6, 6], 3), wk: noise([6, 6], 4), wv: positive(5) };
  const { relevance, seed } = await relevanceOf(attention(product), weights);
  expect(total(relevance)).toBeCloseTo(total(seed), 3);
});

it('a product of two that are no gate is refused', async () => {
  const nodes: NodeSpec[] = [
    ['Transpose', ['a'], ['t'], { perm: [0, 1, 3, 2] }],
    ['MatMul', ['a', 't'], ['y']],
  ];
  await expect(relevanceOf(nodes)).rejects.toThrow('or the other one is a Softmax');
});

it('sums into places are refused', async () => {
  const nodes: NodeSpec[] = [['ScatterElements', ['a', 'places', 'a'], ['y'], { reduction: 'add' }]];
  const weights = { places: { dims: [2, 4, 6, 6], type: 'int64' as const, data: Array<number>(288).fill(0) } };
  await expect(relevanceOf(nodes, weights)).rejects.toThrow('nothing is added into places');
});
