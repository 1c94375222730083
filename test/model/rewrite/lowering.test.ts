import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../lib/engine/tensor.ts';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import { float, floats } from '../../../lib/model/graph/attributes.ts';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { lowerOperators } from '../../../lib/model/rewrite/lowering/lower.ts';
import { expectError } from '../../helpers/expect-error.ts';
import { buildCase, compareWithRuntime, type LoweringCase, runCase } from '../../helpers/lowering.ts';
import { buildModel, noise, type WeightSpec } from '../../helpers/model-builder.ts';

const uint8 = (...values: number[]): WeightSpec => ({ dims: [], data: Uint8Array.from(values) });
const scale = (value: number): WeightSpec => ({ dims: [], data: Float32Array.of(value) });
const whole = (dims: readonly number[], type: 'int8' | 'uint8' | 'int32', seed: number): WeightSpec => {
  const { data } = noise(dims, seed, 1);
  if (type === 'int32') return { dims, data: Int32Array.from(data, value => Math.round(value * 200)) };
  if (type === 'int8') return { dims, data: Int8Array.from(data, value => Math.round(value * 60)) };
  return { dims, data: Uint8Array.from(data, value => Math.round(value * 60 + 60)) };
};

/** Parameters of x and y, and of a weight with one scale for each of `count` outputs. */
const parameters = (count: number) => ({
  sx: scale(0.01),
  zx: uint8(100),
  sy: scale(0.02),
  zy: uint8(120),
  sw: { dims: [count], data: Float32Array.from({ length: count }, (_, i) => 0.01 + 0.002 * i) },
  zw: { dims: [count], data: new Int8Array(count) },
});
const quantized = [makeNode('QuantizeLinear', ['x', 'sx', 'zx'], ['q'])];

const FUSED: Readonly<Record<string, LoweringCase>> = {
  Gelu: { op: 'Gelu', x: [2, 5], inputs: ['x'] },
  BiasGelu: { op: 'BiasGelu', x: [2, 5], inputs: ['x', 'b'], weights: { b: noise([5], 2) } },
  'FastGelu with a bias': { op: 'FastGelu', x: [2, 5], inputs: ['x', 'b'], weights: { b: noise([5], 2) } },
  'FastGelu without': { op: 'FastGelu', x: [2, 5], inputs: ['x'] },
  QuickGelu: { op: 'QuickGelu', x: [2, 5], inputs: ['x'], attributes: { alpha: float(1.5) } },
  'FusedConv with Relu and a summand': {
    op: 'FusedConv',
    x: [1, 4, 5, 5],
    inputs: ['x', 'w', 'b', 'x'],
    weights: { w: noise([4, 4, 3, 3], 3), b: noise([4], 4) },
    attributes: { activation: 'Relu', pads: [1, 1, 1, 1], kernel_shape: [3, 3] },
  },
  'FusedConv with Clip': {
    op: 'FusedConv',
    x: [1, 4, 5, 5],
    inputs: ['x', 'w'],
    weights: { w: noise([2, 4, 3, 3], 3) },
    attributes: { activation: 'Clip', activation_params: floats([-0.5, 0.75]), kernel_shape: [3, 3] },
  },
  'FusedConv with LeakyRelu': {
    op: 'FusedConv',
    x: [1, 4, 5, 5],
    inputs: ['x', 'w'],
    weights: { w: noise([2, 4, 3, 3], 3) },
    attributes: { activation: 'LeakyRelu', activation_params: floats([0.3]), kernel_shape: [3, 3] },
  },
  'FusedConv with HardSigmoid': {
    op: 'FusedConv',
    x: [1, 4, 5, 5],
    inputs: ['x', 'w'],
    weights: { w: noise([2, 4, 3, 3], 3) },
    attributes: { activation: 'HardSigmoid', activation_params: floats([0.3, 0.4]), kernel_shape: [3, 3] },
  },
  FusedGemm: {
    op: 'FusedGemm',
    x: [2, 5],
    inputs: ['x', 'w', 'b'],
    weights: { w: noise([3, 5], 3), b: noise([3], 4) },
    attributes: { transB: 1, alpha: float(0.5), activation: 'LeakyRelu', activation_alpha: float(0.2) },
  },
  'FusedMatMul with a transposed weight': {
    op: 'FusedMatMul',
    x: [2, 3, 5],
    inputs: ['x', 'w'],
    weights: { w: noise([4, 5], 3) },
    attributes: { transB: 1, alpha: float(0.25) },
  },
  'FusedMatMul of two activations': {
    op: 'FusedMatMul',
    x: [2, 3, 5],
    inputs: ['t', 't'],
    before: [makeNode('Transpose', ['x'], ['t'], { perm: [0, 2, 1] })],
    attributes: { transA: 1 },
  },
  TransposeMatMul: {
    op: 'TransposeMatMul',
    x: [2, 5],
    inputs: ['x', 'w'],
    weights: { w: noise([4, 5], 3) },
    attributes: { transB: 1 },
  },
  'SkipLayerNormalization with its sum': {
    op: 'SkipLayerNormalization',
    x: [2, 3, 6],
    inputs: ['x', 's', 'g', 'h', 'b'],
    weights: { s: noise([2, 3, 6], 2), g: noise([6], 3), h: noise([6], 4), b: noise([6], 5) },
    attributes: { epsilon: float(1e-3) },
    outputs: 4,
  },
  SkipLayerNormalization: {
    op: 'SkipLayerNormalization',
    x: [2, 3, 6],
    inputs: ['x', 's', 'g', 'h'],
    weights: { s: noise([2, 3, 6], 2), g: noise([6], 3), h: noise([6], 4) },
  },
  Attention: {
    op: 'Attention',
    x: [2, 4, 6],
    inputs: ['x', 'w', 'b'],
    weights: { w: noise([6, 18], 3), b: noise([18], 4) },
    attributes: { num_heads: 2 },
  },
  'Attention with values of another size and a bias on the scores': {
    op: 'Attention',
    x: [2, 4, 6],
    inputs: ['x', 'w', 'b', '', '', 'r'],
    weights: { w: noise([6, 16], 3), b: noise([16], 4), r: noise([2, 2, 4, 4], 5) },
    attributes: { num_heads: 2, qkv_hidden_sizes: [4, 4, 8], scale: float(0.7) },
  },
  MultiHeadAttention: {
    op: 'MultiHeadAttention',
    x: [2, 4, 6],
    inputs: ['x', 'k', 'v', 'b'],
    weights: { k: noise([2, 3, 6], 3), v: noise([2, 3, 6], 4), b: noise([18], 5) },
    attributes: { num_heads: 3 },
  },
  'Attention before opset 13': {
    op: 'Attention',
    x: [2, 4, 6],
    inputs: ['x', 'w', 'b'],
    weights: { w: noise([6, 18], 3), b: noise([18], 4) },
    attributes: { num_heads: 2 },
    opset: 12,
  },
};

const of = (op: string, more: Partial<LoweringCase> = {}): LoweringCase => ({
  op,
  x: [1, 4, 6, 6],
  before: quantized,
  inputs: ['q', 'sx', 'zx', 'sy', 'zy'],
  weights: parameters(4),
  ...more,
});

const QUANTIZED: Readonly<Record<string, LoweringCase>> = {
  QLinearConv: of('QLinearConv', {
    domain: '',
    inputs: ['q', 'sx', 'zx', 'w', 'sw', 'zw', 'sy', 'zy', 'b'],
    weights: { ...parameters(4), w: whole([4, 2, 3, 3], 'int8', 3), b: whole([4], 'int32', 4) },
    attributes: { group: 2, pads: [1, 1, 1, 1] },
  }),
  'QLinearConv before opset 13': of('QLinearConv', {
    domain: '',
    opset: 12,
    inputs: ['q', 'sx', 'zx', 'w', 'sw', 'zw', 'sy', 'zy', 'b'],
    weights: { ...parameters(4), w: whole([4, 2, 3, 3], 'int8', 3), b: whole([4], 'int32', 4) },
    attributes: { group: 2 },
  }),
  QLinearMatMul: of('QLinearMatMul', {
    domain: '',
    x: [3, 5],
    inputs: ['q', 'sx', 'zx', 'w', 'sw', 'zw', 'sy', 'zy'],
    weights: { ...parameters(4), w: whole([5, 4], 'int8', 3) },
  }),
  QGemm: of('QGemm', {
    x: [3, 5],
    inputs: ['q', 'sx', 'zx', 'w', 'sw', 'zw', 'b', 'sy', 'zy'],
    weights: { ...parameters(4), w: whole([4, 5], 'int8', 3), b: whole([4], 'int32', 4) },
    attributes: { transB: 1 },
  }),
  QLinearAdd: of('QLinearAdd', { inputs: ['q', 'sx', 'zx', 'q', 'sx', 'zx', 'sy', 'zy'] }),
  QLinearMul: of('QLinearMul', {
    inputs: ['q', 'sx', 'zx', 'w', 'sx', 'zx', 'sy', 'zy'],
    weights: { ...parameters(1), w: whole([1, 4, 6, 6], 'uint8', 3) },
  }),
  QLinearAveragePool: of('QLinearAveragePool', { attributes: { kernel_shape: [3, 3], strides: [2, 2] } }),
  QLinearGlobalAveragePool: of('QLinearGlobalAveragePool', { attributes: { channels_last: 0 } }),
  'QLinearConv with channels last': of('QLinearConv', {
    x: [1, 6, 6, 4],
    inputs: ['q', 'sx', 'zx', 'w', 'sw', 'zw', 'sy', 'zy'],
    weights: { ...parameters(4), w: whole([4, 4, 3, 3], 'int8', 3) },
    attributes: { channels_last: 1, pads: [1, 1, 1, 1] },
  }),
  'QLinearAveragePool with channels last': of('QLinearAveragePool', {
    x: [1, 6, 6, 4],
    attributes: { channels_last: 1, kernel_shape: [3, 3], strides: [2, 2] },
  }),
  'QLinearGlobalAveragePool with channels last': of('QLinearGlobalAveragePool', {
    x: [1, 6, 6, 4],
    attributes: { channels_last: 1 },
  }),
  QLinearSigmoid: of('QLinearSigmoid'),
  QLinearLeakyRelu: of('QLinearLeakyRelu', { attributes: { alpha: float(0.2) } }),
  QLinearSoftmax: of('QLinearSoftmax', { attributes: { axis: -1, opset: 17 } }),
  QLinearConcat: of('QLinearConcat', {
    inputs: ['sy', 'zy', 'q', 'sx', 'zx', 'q', 'sx', 'zx'],
    attributes: { axis: 1 },
  }),
};

/** Operators that keep quantised tensors quantised. */
const PASSED_ON: Readonly<Record<string, LoweringCase>> = {
  MaxPool: of('MaxPool', { domain: '', inputs: ['q'], attributes: { kernel_shape: [2, 2] } }),
  Transpose: of('Transpose', { domain: '', inputs: ['q'], attributes: { perm: [0, 2, 3, 1] } }),
  Flatten: of('Flatten', { domain: '', inputs: ['q'] }),
  Pad: of('Pad', {
    domain: '',
    inputs: ['q', 'pads', 'zx'],
    weights: { ...parameters(1), pads: { dims: [8], type: 'int64', data: [0, 0, 1, 1, 0, 0, 1, 0] } },
  }),
  'Pad with the number 0': of('Pad', {
    domain: '',
    inputs: ['q', 'pads'],
    weights: { ...parameters(1), pads: { dims: [8], type: 'int64', data: [0, 0, 1, 1, 0, 0, 1, 0] } },
  }),
};

const DYNAMIC: Readonly<Record<string, LoweringCase>> = {
  DynamicQuantizeMatMul: {
    op: 'DynamicQuantizeMatMul',
    x: [3, 5],
    inputs: ['x', 'w', 's', 'z', 'b'],
    weights: {
      w: whole([5, 4], 'int8', 3),
      s: { dims: [4], data: Float32Array.of(0.01, 0.02, 0.03, 0.04) },
      z: { dims: [4], data: new Int8Array(4) },
      b: noise([4], 5),
    },
  },
  MatMulIntegerToFloat: {
    op: 'MatMulIntegerToFloat',
    x: [3, 5],
    before: [makeNode('DynamicQuantizeLinear', ['x'], ['q', 'sq', 'zq'])],
    inputs: ['q', 'w', 'sq', 's', 'zq', 'z'],
    weights: { w: whole([5, 4], 'uint8', 3), s: scale(0.02), z: uint8(40) },
  },
};

const dequantizes = ({ inputs }: LoweringCase) =>
  inputs.includes('sy') ? (['sy', 'zy'] as const) : (['sx', 'zx'] as const);

describe('operators that the runtime has fused, taken apart', () => {
  it.each(Object.entries(FUSED))('%s', async (_, one) => {
    const lowered = await compareWithRuntime(one, 2e-6);
    expect(lowered.nodes.filter(({ domain }) => domain !== '')).toEqual([]);
  });

  it('stay where a form of them is not known', () => {
    const masked = { op: 'Attention', x: [2, 4, 6], inputs: ['x', 'w', 'b', 'm'], attributes: { num_heads: 2 } };
    const weights = {
      w: noise([6, 18], 3),
      b: noise([18], 4),
      m: { dims: [2], data: Int32Array.of(3, 4) },
    };
    const lowered = lowerOperators(buildCase({ ...masked, weights }));
    expect(lowered.nodes.map(({ op, domain }) => [op, domain])).toContainEqual(['Attention', 'com.microsoft']);
  });
});

describe('operators on quantised tensors, as float operators between pairs', () => {
  // A step of y: the float sum may round to the neighbour.
  it.each(Object.entries(QUANTIZED))('%s', async (_, one) => {
    const lowered = await compareWithRuntime(one, 0.0201, dequantizes(one));
    expect(lowered.nodes.filter(({ op, domain }) => domain !== '' || op.startsWith('QLinear'))).toEqual([]);
  });

  it.each(Object.entries(PASSED_ON))('%s', async (name, one) => {
    const lowered = await compareWithRuntime(one, 1e-7, dequantizes(one));
    const at = lowered.nodes.findIndex(({ op }) => name.startsWith(op));
    expect(lowered.nodes[at - 1]!.op).toBe('DequantizeLinear');
    expect(lowered.nodes[at + 1]!.op).toBe('QuantizeLinear');
  });

  it.each(Object.entries(DYNAMIC))('%s', async (_, one) => {
    const lowered = await compareWithRuntime(one, 1e-5);
    expect(lowered.nodes.some(({ op }) => op === 'MatMul')).toBe(true);
    expect(lowered.nodes.filter(({ domain }) => domain !== '')).toEqual([]);
  });
});

it('joins pairs that a quantiser wrote for each reader', async () => {
  const pair = (i: number) => [
    makeNode('QuantizeLinear', ['r', `s${i}`, 'z'], [`q${i}`]),
    makeNode('DequantizeLinear', [`q${i}`, `s${i}`, 'z'], [`d${i}`]),
  ];
  const spec = {
    nodes: [makeNode('Relu', ['x'], ['r']), ...pair(0), ...pair(1), makeNode('Mul', ['d0', 'd1'], ['y'])],
    inputs: [{ name: 'x', dims: [1, 2, 4, 4] }],
    outputs: [{ name: 'y' }],
    initializers: { s0: scale(0.01), s1: scale(0.01), z: uint8(0) },
  };
  const graph = parseModel(buildModel(spec));
  const lowered = lowerOperators(graph);
  expect(lowered.nodes.map(({ op }) => op)).toEqual(['Relu', 'QuantizeLinear', 'DequantizeLinear', 'Identity', 'Mul']);
  const x: Tensor<'float32'> = { type: 'float32', data: noise([1, 2, 4, 4], 9).data, dims: [1, 2, 4, 4] };
  expect((await runCase(lowered, x)).values).toEqual((await runCase(graph, x)).values);
  const signed = { ...spec, initializers: { ...spec.initializers, i: { dims: [], data: Int8Array.of(0) } } };
  const other = makeNode('QuantizeLinear', ['r', 's1', 'i'], ['q1']);
  const nodes = spec.nodes.map(node => (node.outputs[0] === 'q1' ? other : node));
  const mixed = lowerOperators(parseModel(buildModel({ ...signed, nodes })));
  expect(mixed.nodes.filter(({ op }) => op === 'QuantizeLinear')).toHaveLength(2);
});

it('refuses files in the layout of one processor', async () => {
  const graph = buildCase({ op: 'Conv', domain: 'com.microsoft.nchwc', x: [1, 8, 4, 4], inputs: ['x', 'x'] });
  await expectError(() => lowerOperators(graph), 'ERR_MODEL_UNSUPPORTED', '"extended"');
});
