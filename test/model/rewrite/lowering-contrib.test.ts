import { describe, expect, it } from 'vitest';
import { float } from '../../../lib/model/graph/attributes.ts';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { lowerOperators } from '../../../lib/model/rewrite/lowering/lower.ts';
import { expectClose } from '../../helpers/expect-close.ts';
import {
  buildCase,
  caseInput,
  compareGradient,
  compareGradientInDouble,
  compareWithRuntime,
  type LoweringCase,
  runCase,
} from '../../helpers/lowering.ts';
import { noise, type WeightSpec } from '../../helpers/model-builder.ts';

const bytes = (dims: readonly number[], seed: number): WeightSpec => ({
  dims,
  data: Uint8Array.from(noise(dims, seed).data, value => Math.floor((value + 1) * 127.99)),
});
const nbits = (K: number, N: number, bits: number, block: number, more: Partial<LoweringCase> = {}): LoweringCase => {
  const blocks = Math.ceil(K / block);
  return {
    op: 'MatMulNBits',
    x: [2, 3, K],
    inputs: ['x', 'w', 's'],
    attributes: { K, N, bits, block_size: block },
    ...more,
    weights: {
      w: bytes([N, blocks, (block * bits) / 8], 3),
      s: noise([N, blocks], 4, 0.2),
      z: bytes([N, Math.ceil((blocks * bits) / 8)], 5),
      f: noise([N, blocks], 6, 4),
      b: noise([N], 7),
    },
  };
};
const bnb = (type: number): LoweringCase => ({
  op: 'MatMulBnb4',
  x: [2, 16],
  inputs: ['x', 'w', 's'],
  attributes: { K: 16, N: 5, block_size: 32, quant_type: type },
  weights: { w: bytes([40], 3), s: noise([3], 4) },
});
const scalar = (value: number): WeightSpec => ({ dims: [], data: Float32Array.of(value) });
const byte = (value: number): WeightSpec => ({ dims: [], data: Uint8Array.of(value) });

const CASES: Readonly<Record<string, LoweringCase>> = {
  'MatMulNBits of 4 bits': nbits(32, 5, 4, 16),
  'MatMulNBits of 4 bits with zero points, a last block that is not full, and a bias': nbits(40, 5, 4, 16, {
    inputs: ['x', 'w', 's', 'z', '', 'b'],
  }),
  'MatMulNBits of 4 bits with zero points as floats': nbits(32, 3, 4, 32, { inputs: ['x', 'w', 's', 'f'] }),
  'MatMulNBits of 8 bits with zero points': nbits(32, 3, 8, 16, { inputs: ['x', 'w', 's', 'z'] }),
  'MatMulNBits of 2 bits with zero points': nbits(64, 4, 2, 32, { inputs: ['x', 'w', 's', 'z'] }),
  'MatMulBnb4 of FP4': bnb(0),
  'MatMulBnb4 of NF4': bnb(1),
  SkipSimplifiedLayerNormalization: {
    op: 'SkipSimplifiedLayerNormalization',
    x: [2, 3, 6],
    inputs: ['x', 's', 'g', 'b'],
    weights: { s: noise([2, 3, 6], 2), g: noise([6], 3), b: noise([6], 5) },
    attributes: { epsilon: float(1e-3) },
  },
  'SkipSimplifiedLayerNormalization with its sum': {
    op: 'SkipSimplifiedLayerNormalization',
    x: [2, 3, 6],
    inputs: ['x', 's', 'g'],
    weights: { s: noise([2, 3, 6], 2), g: noise([6], 3) },
    outputs: 4,
  },
  'SkipLayerNormalization with a skip of one image': {
    op: 'SkipLayerNormalization',
    x: [2, 3, 6],
    inputs: ['x', 's', 'g', 'h'],
    weights: { s: noise([3, 6], 2), g: noise([6], 3), h: noise([6], 4) },
  },
  SimplifiedLayerNormalization: {
    op: 'SimplifiedLayerNormalization',
    domain: '',
    x: [2, 3, 6],
    inputs: ['x', 'g'],
    weights: { g: noise([6], 3) },
    attributes: { axis: -1, epsilon: float(1e-2), stash_type: 1 },
  },
  RMSNormalization: {
    op: 'RMSNormalization',
    domain: '',
    opset: 23,
    x: [2, 3, 6],
    inputs: ['x', 'g'],
    weights: { g: noise([6], 3) },
  },
  'RMSNormalization over two axes': {
    op: 'RMSNormalization',
    domain: '',
    opset: 23,
    x: [2, 3, 6],
    inputs: ['x', 'g'],
    weights: { g: noise([3, 6], 3) },
    attributes: { axis: 1, epsilon: float(0.1) },
  },
  QAttention: {
    op: 'QAttention',
    x: [2, 4, 6],
    before: [makeNode('DynamicQuantizeLinear', ['x'], ['q', 'sq', 'zq'])],
    inputs: ['q', 'w', 'b', 'sq', 's', '', 'zq', 'z'],
    weights: { w: bytes([6, 18], 3), b: noise([18], 4), s: scalar(0.01), z: byte(120) },
    attributes: { num_heads: 2 },
  },
  'Trilu, which ONNX has taken over': {
    op: 'Trilu',
    x: [2, 3, 3],
    inputs: ['x'],
    attributes: { upper: 0 },
  },
  'Pad, which ONNX has taken over': {
    op: 'Pad',
    x: [2, 3],
    inputs: ['x', 'pads', 'value'],
    weights: { pads: { dims: [4], type: 'int64', data: [0, 1, 1, 0] }, value: scalar(0.5) },
  },
  'GatherND, which ONNX has taken over': {
    op: 'GatherND',
    x: [3, 2],
    inputs: ['x', 'i'],
    weights: { i: { dims: [2, 1], type: 'int64', data: [2, 0] } },
  },
  ExpandDims: {
    op: 'ExpandDims',
    x: [2, 3],
    inputs: ['x', 'a'],
    weights: { a: { dims: [], data: Int32Array.of(1) } },
  },
  NhwcMaxPool: {
    op: 'NhwcMaxPool',
    x: [1, 6, 6, 4],
    before: [makeNode('QuantizeLinear', ['x', 'sx', 'zx'], ['q'])],
    inputs: ['q'],
    weights: { sx: scalar(0.01), zx: byte(100) },
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 0, 0] },
  },
};

const QUANTIZED = ['NhwcMaxPool'];

describe('further operators that the runtime has fused, taken apart', () => {
  it.each(Object.entries(CASES))('%s', async (_, one) => {
    const quantized = QUANTIZED.includes(one.op) ? (['sx', 'zx'] as const) : undefined;
    const lowered = await compareWithRuntime(one, one.op === 'QAttention' ? 1e-5 : 3e-6, quantized);
    const before = (node: { domain: string; op: string }) =>
      node.op === one.op && node.domain === (one.domain ?? 'com.microsoft');
    expect(lowered.nodes.filter(node => node.domain !== '' || before(node))).toEqual([]);
    if (!one.before) await compareGradient(one);
  });

  // What is quantised is so in float32 alone.
  const exact = Object.entries(CASES).filter(([, one]) => !one.before && !QUANTIZED.includes(one.op));
  it.each(exact)('%s, gradient in float64', async (_, one) => compareGradientInDouble(one));

  it('MatMulNBits with a weight of another size stays, and the runtime says what is wrong', () => {
    const one = nbits(32, 5, 4, 16);
    const graph = buildCase({ ...one, attributes: { ...one.attributes, K: 2 ** 40 } });
    expect(lowerOperators(graph).nodes.map(({ op }) => op)).toContain('MatMulNBits');
  });
});

type Reference = (x: Float32Array, weights: Readonly<Record<string, Float32Array>>) => number[];
const erf = (x: number): number => {
  // Series, exact enough for |x| < 3.
  let [term, sum] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
};
const gelu = (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2));
const fastGelu = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** Maps [2, 3, 3, 4] channels last in groups of two, with gain and shift, through SiLU. */
function groupNorm(x: ArrayLike<number>, g: Float32Array, b: Float32Array, epsilon: number, silu: boolean): number[] {
  const result: number[] = [];
  for (let at = 0; at < x.length; at++) {
    const [image, channel] = [Math.floor(at / 36), at % 4];
    const group = Array.from({ length: 36 }, (_, i) => i).filter(i => i % 4 < 2 === channel < 2);
    const values = group.map(i => x[image * 36 + i]!);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    const y = ((x[at]! - mean) / Math.sqrt(variance + epsilon)) * g[channel]! + b[channel]!;
    result.push(silu ? y / (1 + Math.exp(-y)) : y);
  }
  return result;
}

/** What the CPU has no kernel for is compared with its formula. */
const FORMULAS: Readonly<Record<string, { one: LoweringCase; formula: Reference }>> = {
  BiasAdd: {
    one: { op: 'BiasAdd', x: [2, 3], inputs: ['x', 'b', 's'], weights: { b: noise([3], 1), s: noise([2, 3], 2) } },
    formula: (x, { b, s }) => Array.from(x, (value, i) => value + b![i % 3]! + s![i]!),
  },
  BiasDropout: {
    one: { op: 'BiasDropout', x: [2, 3], inputs: ['x', 'b', 's'], weights: { b: noise([3], 1), s: noise([2, 3], 2) } },
    formula: (x, { b, s }) => Array.from(x, (value, i) => value + b![i % 3]! + s![i]!),
  },
  BiasSplitGelu: {
    one: { op: 'BiasSplitGelu', x: [2, 1, 6], inputs: ['x', 'b'], weights: { b: noise([6], 1) } },
    formula: (x, { b }) => [0, 1, 2, 6, 7, 8].map(i => (x[i]! + b![i % 6]!) * gelu(x[i + 3]! + b![(i % 6) + 3]!)),
  },
  BiasSoftmax: {
    one: {
      op: 'BiasSoftmax',
      x: [2, 3],
      inputs: ['x', 'b'],
      weights: { b: noise([1, 3], 1) },
      attributes: { axis: 1, is_inner_broadcast: 0 },
    },
    formula: (x, { b }) =>
      Array.from(x, (_, i) => {
        const row = i - (i % 3);
        const exps = [0, 1, 2].map(j => Math.exp(x[row + j]! + b![j]!));
        return exps[i % 3]! / (exps[0]! + exps[1]! + exps[2]!);
      }),
  },
  ScaledSiLU: {
    one: { op: 'ScaledSiLU', x: [2, 3], inputs: ['x'], attributes: { alpha: float(2) }, weights: {} },
    formula: x => Array.from(x, value => (2 * value) / (1 + Math.exp(-2 * value))),
  },
  FusedMatMulActivation: {
    one: {
      op: 'FusedMatMulActivation',
      x: [2, 1],
      inputs: ['x', 'w'],
      weights: { w: noise([3, 1], 1) },
      attributes: { transB: 1, alpha: float(2), activation: 'Relu' },
    },
    formula: (x, { w }) => [0, 1, 2, 3, 4, 5].map(i => Math.max(0, 2 * x[Math.floor(i / 3)]! * w![i % 3]!)),
  },
  GemmFastGelu: {
    one: { op: 'GemmFastGelu', x: [2, 1], inputs: ['x', 'w', 'b'], weights: { w: noise([1, 3], 1), b: noise([3], 2) } },
    formula: (x, { w, b }) => [0, 1, 2, 3, 4, 5].map(i => fastGelu(x[Math.floor(i / 3)]! * w![i % 3]! + b![i % 3]!)),
  },
  GroupNorm: {
    one: {
      op: 'GroupNorm',
      x: [2, 3, 3, 4],
      inputs: ['x', 'g', 'b'],
      weights: { g: noise([4], 1), b: noise([4], 2) },
      attributes: { groups: 2, activation: 1, epsilon: float(0.01) },
    },
    formula: (x, { g, b }) => groupNorm(x, g!, b!, 0.01, true),
  },
  SkipGroupNorm: {
    one: {
      op: 'SkipGroupNorm',
      x: [2, 3, 3, 4],
      inputs: ['x', 'g', 'b', 's', 'c'],
      weights: { g: noise([4], 1), b: noise([4], 2), s: noise([2, 4], 3), c: noise([4], 4) },
      attributes: { groups: 2, activation: 0 },
    },
    formula: (x, { g, b, s, c }) =>
      groupNorm(
        Array.from(x, (value, i) => value + s![Math.floor(i / 36) * 4 + (i % 4)]! + c![i % 4]!),
        g!,
        b!,
        1e-5,
        false,
      ),
  },
  EmbedLayerNormalization: {
    one: {
      op: 'EmbedLayerNormalization',
      x: [1, 2],
      before: [makeNode('Cast', ['x'], ['c'], { to: 6 })],
      inputs: ['c', '', 'w', 'p', '', 'g', 'b'],
      weights: { w: noise([3, 2], 1), p: noise([4, 2], 2), g: noise([2], 3), b: noise([2], 4) },
      attributes: { epsilon: float(0.01) },
    },
    // Words 0 and 0 at places 0 and 1.
    formula: (_, { w, p, g, b }) =>
      [0, 1].flatMap(place => {
        const [first, second] = [0, 1].map(i => w![i]! + p![place * 2 + i]!) as [number, number];
        const half = (first - second) / 2;
        return [half, -half].map((value, i) => (value / Math.sqrt(half * half + 0.01)) * g![i]! + b![i]!);
      }),
  },
};

describe('operators of other execution providers, taken apart', () => {
  it.each(Object.entries(FORMULAS))('%s', async (_, { one, formula }) => {
    const lowered = lowerOperators(buildCase(one));
    expect(lowered.nodes.filter(({ domain }) => domain !== '')).toEqual([]);
    const x = caseInput(one);
    const values = Object.fromEntries(
      Object.entries(one.weights!).map(([name, weight]) => [name, (weight as { data: Float32Array }).data]),
    );
    expectClose((await runCase(lowered, x)).values, formula(x.data, values), 3e-6);
  });

  it.each(['NhwcConv', 'NhwcFusedConv'])('%s is a convolution of maps with channels last', async op => {
    const weights = { w: noise([3, 4, 3, 3], 1), b: noise([3], 2) };
    const attributes = { pads: [1, 1, 1, 1], strides: [2, 2], kernel_shape: [3, 3] };
    const lowered = lowerOperators(buildCase({ op, x: [1, 5, 6, 4], inputs: ['x', 'w', 'b'], weights, attributes }));
    const turned: LoweringCase = {
      op: 'Conv',
      domain: '',
      x: [1, 5, 6, 4],
      before: [makeNode('Transpose', ['x'], ['t'], { perm: [0, 3, 1, 2] })],
      inputs: ['t', 'w', 'b'],
      weights,
      attributes,
    };
    const x = caseInput(turned);
    const [ours, theirs] = [await runCase(lowered, x), await runCase(buildCase(turned), x)];
    expect(ours.dims).toEqual([1, 3, 3, 3]);
    const [rows, columns, channels] = [3, 3, 3];
    const last = Float32Array.from(ours.values, (_, i) => {
      const [channel, cell] = [i % channels, Math.floor(i / channels)];
      return theirs.values[channel * rows * columns + cell]!;
    });
    expectClose(ours.values, last, 1e-6);
  });
});
