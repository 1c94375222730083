/** DeepLIFT of operators that are linear in the layer, or taken apart. */
import { expect, it } from 'vitest';
import { noise, type WeightSpec } from '../helpers/model-builder.ts';
import { expectConserved } from './deep-lift-harness.ts';
import type { NodeSpec } from './harness.ts';

const ints = (...data: number[]): WeightSpec => ({ dims: [data.length], type: 'int64', data });
const index = (value: number): WeightSpec => ({ dims: [], type: 'int64', data: [value] });

interface Case {
  readonly nodes: readonly NodeSpec[];
  readonly weights?: Readonly<Record<string, WeightSpec>>;
  readonly opset?: number;
}

/** Rows of p as a sequence of vectors [6, N, 24], and what an operator makes of it with the batch in front. */
const stepwise = (op: string, gates: number): Case => ({
  nodes: [
    ['Transpose', ['p'], ['t'], { perm: [2, 0, 1, 3] }],
    ['Reshape', ['t', 'vectors'], ['s']],
    [op, ['s', 'wi', 'wr'], ['steps'], { hidden_size: 3 }],
    ['Transpose', ['steps'], ['r'], { perm: [2, 0, 1, 3] }],
  ],
  weights: {
    vectors: ints(6, -1, 24),
    wi: noise([1, 3 * gates, 24], 3),
    wr: noise([1, 3 * gates, 3], 4),
  },
});

/** A constant for one image, repeated for the batch. */
const repeated = (
  name: string,
  dims: readonly number[],
): { nodes: NodeSpec[]; weights: Record<string, WeightSpec> } => ({
  nodes: [
    ['Shape', ['x'], ['sizes']],
    ['Slice', ['sizes', 'none', 'one', 'none'], ['n']],
    ['Concat', ['n', 'rest'], ['shape'], { axis: 0 }],
    ['Expand', [`${name}1`, 'shape'], [name]],
  ],
  weights: { none: ints(0), rest: ints(...dims), [`${name}1`]: noise([1, ...dims], 5) },
});
const grid = repeated('grid', [3, 4, 2]);
const offsets = repeated('offsets', [8, 5, 5]);

const CASES: Readonly<Record<string, Case>> = {
  CastLike: { nodes: [['CastLike', ['p', 'gain'], ['r']]] },
  CenterCropPad: {
    nodes: [['CenterCropPad', ['p', 'crop'], ['r'], { axes: [2, 3] }]],
    weights: { crop: ints(4, 9) },
    opset: 18,
  },
  Col2Im: {
    nodes: [
      ['Reshape', ['p', 'columns'], ['q']],
      ['Col2Im', ['q', 'image', 'block'], ['r']],
    ],
    weights: { columns: ints(0, 16, 9), image: ints(4, 4), block: ints(2, 2) },
    opset: 18,
  },
  Compress: {
    nodes: [['Compress', ['p', 'flags'], ['r'], { axis: 2 }]],
    weights: { flags: { dims: [4], type: 'bool', data: Uint8Array.of(1, 0, 0, 1) } },
  },
  CumProd: { nodes: [['CumProd', ['p', 'axis'], ['r']]], weights: { axis: index(3) }, opset: 26 },
  DeformConv: {
    nodes: [...offsets.nodes, ['DeformConv', ['p', 'kernel', 'offsets'], ['r'], { kernel_shape: [2, 2] }]],
    weights: { ...offsets.weights, kernel: noise([3, 4, 2, 2], 6) },
    opset: 19,
  },
  Det: {
    nodes: [
      ['Reshape', ['p', 'squares'], ['q']],
      ['Det', ['q'], ['r']],
    ],
    weights: { squares: ints(0, 16, 3, 3) },
  },
  DFT: {
    nodes: [
      ['Unsqueeze', ['p', 'last'], ['q']],
      ['DFT', ['q'], ['r'], { axis: 3 }],
    ],
    weights: { last: ints(-1) },
  },
  GRU: stepwise('GRU', 3),
  GlobalLpPool: { nodes: [['GlobalLpPool', ['p'], ['r'], { p: 2 }]] },
  GridSample: { nodes: [...grid.nodes, ['GridSample', ['p', 'grid'], ['r']]], weights: grid.weights },
  InstanceNormalization: {
    nodes: [['InstanceNormalization', ['p', 'scale', 'bias'], ['r']]],
    weights: { scale: noise([4], 6), bias: noise([4], 7) },
  },
  'GroupNormalization of groups': {
    nodes: [['GroupNormalization', ['p', 'scale', 'bias'], ['r'], { num_groups: 2 }]],
    weights: { scale: noise([2], 6), bias: noise([2], 7) },
    opset: 18,
  },
  'GroupNormalization of channels': {
    nodes: [['GroupNormalization', ['p', 'scale', 'bias'], ['r'], { num_groups: 2 }]],
    weights: { scale: noise([4], 6), bias: noise([4], 7) },
    opset: 21,
  },
  LRN: { nodes: [['LRN', ['p'], ['r'], { size: 3, alpha: { float: 0.9 }, beta: { float: 0.6 } }]] },
  LSTM: stepwise('LSTM', 4),
  'LpNormalization 1': { nodes: [['LpNormalization', ['p'], ['r'], { p: 1, axis: 1 }]] },
  'LpNormalization 2': { nodes: [['LpNormalization', ['p'], ['r'], { axis: 2 }]] },
  'LpPool 1': { nodes: [['LpPool', ['p'], ['r'], { p: 1, kernel_shape: [2, 3], strides: [2, 1] }]] },
  'LpPool 2': {
    nodes: [['LpPool', ['p'], ['r'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }]],
  },
  MeanVarianceNormalization: { nodes: [['MeanVarianceNormalization', ['p'], ['r'], { axes: [2, 3] }]] },
  Mod: { nodes: [['Mod', ['p', 'high'], ['r'], { fmod: 1 }]] },
  RNN: stepwise('RNN', 1),
  ReduceL1: { nodes: [['ReduceL1', ['p'], ['r'], { axes: [1, 3], keepdims: 0 }]] },
  ReduceLogSum: {
    nodes: [
      ['Exp', ['p'], ['e']],
      ['ReduceLogSum', ['e'], ['r'], { axes: [2], keepdims: 1 }],
    ],
  },
  ReduceLogSumExp: { nodes: [['ReduceLogSumExp', ['p'], ['r'], { axes: [1, 2], keepdims: 0 }]] },
  ReduceProd: {
    nodes: [
      ['Add', ['p', 'high'], ['q']],
      ['ReduceProd', ['q'], ['r'], { axes: [3], keepdims: 0 }],
    ],
  },
  ReverseSequence: {
    nodes: [
      ['Transpose', ['p'], ['t'], { perm: [2, 1, 0, 3] }],
      ['ReverseSequence', ['t', 'lengths'], ['q'], { batch_axis: 1, time_axis: 0 }],
      ['Transpose', ['q'], ['r'], { perm: [2, 1, 0, 3] }],
    ],
    weights: { lengths: ints(1, 6, 3, 4) },
  },
  STFT: {
    nodes: [
      ['Reshape', ['p', 'signal'], ['q']],
      ['STFT', ['q', 'hop', 'window'], ['r']],
    ],
    weights: { signal: ints(0, 144, 1), hop: index(8), window: noise([16], 6) },
  },
};

it.each(Object.entries(CASES))('%s', async (_, { nodes, weights, opset }) => expectConserved(nodes, weights, opset));

it('where the places themselves depend on the layer there is no rule', async () => {
  const places: NodeSpec[] = [
    ['Slice', ['p', 'none', 'two', 'axis'], ['half']],
    ['Transpose', ['half'], ['grid'], { perm: [0, 2, 3, 1] }],
    ['GridSample', ['p', 'grid'], ['r']],
  ];
  const weights = { none: ints(0), two: ints(2), axis: ints(1) };
  await expect(expectConserved(places, weights)).rejects.toThrow('only its first input depends on the layer');
});
