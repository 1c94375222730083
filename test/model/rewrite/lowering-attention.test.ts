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

/** Seeded choices. */
function random(seed: number) {
  const values = noise([64], seed, 0.5).data;
  let at = 0;
  const next = () => values[at++]! + 0.5;
  return {
    next,
    of: <T>(items: readonly T[]): T => items[Math.min(items.length - 1, Math.floor(next() * items.length))]!,
  };
}

const bools = (dims: readonly number[], seed: number, keepFirst = true): WeightSpec => {
  const { data } = noise(dims, seed);
  const last = dims.at(-1)!;
  const values = Uint8Array.from(data, (value, i) => Number(value > 0 || (keepFirst && i % last === 0)));
  return { dims, type: 'bool', data: values };
};

/** Attention of opset 23 with attributes and inputs at random. */
function standard(seed: number): LoweringCase {
  const { of } = random(seed);
  const [keyHeads, group, size] = [of([1, 2]), of([1, 1, 3]), of([2, 4])];
  const heads = keyHeads * group;
  const [n, queries, keys] = [of([1, 2]), of([1, 3, 4]), of([3, 5])];
  const [rows, past, causal] = [of([true, false]), of([0, 0, 2]), of([0, 0, 1])];
  const values = of([size, 3]);
  const total = keys + past;
  const shape = (count: number, length: number, width: number) =>
    rows ? [n, length, count * width] : [n, count, length, width];
  const mask = of(['', 'bool', 'float', 'small']);
  const masks: Readonly<Record<string, WeightSpec>> = {
    bool: bools([n, 1, queries, total], seed + 3),
    float: noise([heads, queries, total], seed + 3),
    small: bools([queries, total], seed + 3),
  };
  const scored = of([false, true]);
  // What a mask takes out of the scores is any number that is small enough.
  const mode = of(mask === 'float' && !causal ? [0, 1, 2, 3] : [0, 1, 3]);
  return {
    op: 'Attention',
    domain: '',
    opset: 23,
    x: shape(heads, queries, size),
    inputs: ['x', 'k', 'v', mask && 'm', ...(past ? ['pk', 'pv'] : [])],
    weights: {
      k: noise(shape(keyHeads, keys, size), seed + 1),
      v: noise(shape(keyHeads, keys, values), seed + 2),
      ...(mask && { m: masks[mask] }),
      ...(past && {
        pk: noise([n, keyHeads, past, size], seed + 4),
        pv: noise([n, keyHeads, past, values], seed + 5),
      }),
    } as Record<string, WeightSpec>,
    attributes: {
      ...(rows && { q_num_heads: heads, kv_num_heads: keyHeads }),
      ...(causal && { is_causal: 1 }),
      ...(of([true, false]) && { scale: float(0.7) }),
      ...(of([true, false]) && { softcap: float(0.8) }),
      ...(scored && { qk_matmul_output_mode: mode }),
    },
    outputs: scored ? 4 : past ? 3 : 1,
    // The runtime's kernel wants both states or none.
    full: past > 0,
  };
}

describe('Attention of opset 23', () => {
  it.each(Array.from({ length: 40 }, (_, i) => i + 1))('with random attributes and inputs, seed %i', async seed => {
    const one = standard(seed);
    const lowered = await compareWithRuntime(one, 3e-6);
    expect(lowered.nodes.map(({ op }) => op)).not.toContain('Attention');
    expect(lowered.nodes.map(({ op }) => op)).toContain('Softmax');
    // The states that it gives out don't depend on the queries.
    if (one.outputs === 3) return;
    await compareGradient(one);
    await compareGradientInDouble(one);
  });
});

const ints = (dims: readonly number[], values: readonly number[]): WeightSpec => ({
  dims,
  data: Int32Array.from(values),
});
const rows = { w: noise([6, 18], 3), b: noise([18], 4) };
const keysAndValues = { k: noise([2, 3, 6], 3), v: noise([2, 3, 6], 4) };
const heads = { k: noise([2, 3, 4, 2], 3), v: noise([2, 3, 4, 2], 4) };
const angles = (positions: number, half: number, of: (angle: number) => number): WeightSpec => ({
  dims: [positions, half],
  data: Float32Array.from({ length: positions * half }, (_, i) => of(Math.floor(i / half) / 3 ** (i % half))),
});
const caches = (half: number) => ({ cos: angles(8, half, Math.cos), sin: angles(8, half, Math.sin) });
const group = {
  op: 'GroupQueryAttention',
  x: [2, 4, 64],
  weights: {
    k: noise([2, 4, 32], 3),
    v: noise([2, 4, 32], 4),
    lengths: ints([2], [3, 3]),
    length: ints([], [4]),
    ...caches(8),
    r: noise([1, 4, 4, 4], 5),
  },
};
const grouped = { num_heads: 4, kv_num_heads: 2 };

const FUSED: Readonly<Record<string, LoweringCase>> = {
  'Attention of opset 24 with as many keys as are in use': {
    op: 'Attention',
    domain: '',
    opset: 24,
    x: [2, 2, 3, 4],
    inputs: ['x', 'k', 'v', '', '', '', 'n'],
    weights: {
      k: noise([2, 1, 5, 4], 2),
      v: noise([2, 1, 5, 4], 3),
      n: { dims: [2], type: 'int64', data: [4, 5] },
    },
  },
  'Attention with a mask of keys': {
    op: 'Attention',
    x: [2, 4, 6],
    inputs: ['x', 'w', 'b', 'm'],
    weights: { ...rows, m: ints([2, 4], [1, 1, 0, 1, 1, 0, 0, 0]) },
    attributes: { num_heads: 2 },
  },
  'Attention with a mask of pairs, of earlier tokens alone': {
    op: 'Attention',
    x: [2, 4, 6],
    inputs: ['x', 'w', 'b', 'm'],
    weights: {
      ...rows,
      m: ints(
        [2, 4, 4],
        Array.from({ length: 32 }, (_, i) => Number(i % 3 !== 1)),
      ),
    },
    attributes: { num_heads: 2, unidirectional: 1, mask_filter_value: float(-5) },
  },
  'Attention with a cache, of earlier tokens alone': {
    op: 'Attention',
    x: [2, 3, 6],
    inputs: ['x', 'w', 'b', '', 'past'],
    weights: { ...rows, past: noise([2, 2, 2, 4, 3], 6) },
    attributes: { num_heads: 2, unidirectional: 1 },
    outputs: 2,
    compared: 0,
  },
  'Attention with a cache and a mask of keys': {
    op: 'Attention',
    x: [2, 3, 6],
    inputs: ['x', 'w', 'b', 'm', 'past'],
    weights: {
      ...rows,
      past: noise([2, 2, 2, 4, 3], 6),
      m: ints([2, 7], [1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0]),
    },
    attributes: { num_heads: 2 },
    outputs: 2,
    compared: 0,
  },
  'what Attention adds to a cache': {
    op: 'Attention',
    x: [2, 3, 6],
    inputs: ['x', 'w', 'b', '', 'past'],
    weights: { ...rows, past: noise([2, 2, 2, 4, 3], 6) },
    attributes: { num_heads: 2 },
    outputs: 2,
  },
  'Attention with an empty cache': {
    op: 'Attention',
    x: [2, 3, 6],
    inputs: ['x', 'w', 'b', '', 'past'],
    weights: { ...rows, past: { dims: [2, 2, 2, 0, 3], data: [] } },
    attributes: { num_heads: 2 },
    outputs: 2,
    compared: 0,
  },
  'MultiHeadAttention with a scale of its own and a mask': {
    op: 'MultiHeadAttention',
    x: [2, 4, 6],
    inputs: ['x', 'k', 'v', '', 'm', 'r'],
    weights: { ...keysAndValues, m: ints([2, 3], [1, 1, 0, 0, 1, 1]), r: noise([1, 3, 4, 3], 6) },
    attributes: { num_heads: 3, scale: float(0.4) },
  },
  'MultiHeadAttention with the default scale and its probabilities': {
    op: 'MultiHeadAttention',
    x: [2, 4, 6],
    inputs: ['x', 'k', 'v'],
    weights: keysAndValues,
    attributes: { num_heads: 3 },
  },
  'MultiHeadAttention of earlier tokens alone': {
    op: 'MultiHeadAttention',
    x: [2, 4, 6],
    inputs: ['x', 'x', 'x'],
    attributes: { num_heads: 2, unidirectional: 1 },
  },
  'MultiHeadAttention with values of another size': {
    op: 'MultiHeadAttention',
    x: [2, 4, 6],
    inputs: ['x', 'k', 'v', 'b'],
    weights: { k: noise([2, 3, 6], 3), v: noise([2, 3, 9], 4), b: noise([21], 5) },
    attributes: { num_heads: 3 },
  },
  'MultiHeadAttention of keys in heads': {
    op: 'MultiHeadAttention',
    x: [2, 5, 6],
    inputs: ['x', 'k', 'v'],
    weights: heads,
    attributes: { num_heads: 3 },
  },
  'MultiHeadAttention with a cache': {
    op: 'MultiHeadAttention',
    x: [2, 3, 6],
    inputs: ['x', 'k', 'v', '', '', '', 'pk', 'pv'],
    weights: { ...keysAndValues, pk: noise([2, 3, 2, 2], 6), pv: noise([2, 3, 2, 2], 7) },
    attributes: { num_heads: 3 },
    outputs: 3,
    full: true,
  },
  GroupQueryAttention: {
    ...group,
    inputs: ['x', 'k', 'v', '', '', 'lengths', 'length'],
    attributes: grouped,
  },
  'GroupQueryAttention with rotary positions, a window, a cap and a scale': {
    ...group,
    inputs: ['x', 'k', 'v', '', '', 'lengths', 'length', 'cos', 'sin'],
    attributes: { ...grouped, do_rotary: 1, local_window_size: 2, softcap: float(0.5), scale: float(0.7) },
  },
  'GroupQueryAttention of one packed tensor with interleaved rotary positions and a bias': {
    ...group,
    x: [2, 4, 128],
    inputs: ['x', '', '', '', '', 'lengths', 'length', 'cos', 'sin', '', 'r'],
    attributes: { ...grouped, do_rotary: 1, rotary_interleaved: 1 },
  },
  'GroupQueryAttention with an empty cache': {
    ...group,
    inputs: ['x', 'k', 'v', 'pk', 'pk', 'lengths', 'length'],
    weights: { ...group.weights, pk: { dims: [2, 2, 0, 16], data: [] } },
    attributes: grouped,
    outputs: 3,
    full: true,
    compared: 0,
  },
  RotaryEmbedding: {
    op: 'RotaryEmbedding',
    x: [2, 4, 12],
    inputs: ['x', 'p', 'cos', 'sin'],
    weights: { ...caches(2), p: { dims: [2, 4], type: 'int64', data: [0, 1, 2, 3, 2, 3, 4, 7] } },
  },
  'RotaryEmbedding from one position on, interleaved': {
    op: 'RotaryEmbedding',
    x: [2, 4, 12],
    inputs: ['x', 'p', 'cos', 'sin'],
    weights: { ...caches(3), p: { dims: [1], type: 'int64', data: [2] } },
    attributes: { interleaved: 1 },
  },
  'RotaryEmbedding of some channels of heads': {
    op: 'RotaryEmbedding',
    x: [2, 3, 4, 6],
    inputs: ['x', 'p', 'cos', 'sin'],
    weights: { ...caches(2), p: { dims: [1], type: 'int64', data: [1] } },
    attributes: { rotary_embedding_dim: 4, num_heads: 3 },
  },
  'RotaryEmbedding of opset 23': {
    op: 'RotaryEmbedding',
    domain: '',
    opset: 23,
    x: [2, 3, 4, 6],
    inputs: ['x', 'cos', 'sin', 'p'],
    weights: { ...caches(3), p: { dims: [2, 4], type: 'int64', data: [0, 1, 2, 3, 2, 3, 4, 7] } },
  },
  'RotaryEmbedding of opset 23 of some channels of rows, interleaved': {
    op: 'RotaryEmbedding',
    domain: '',
    opset: 23,
    x: [2, 4, 18],
    inputs: ['x', 'c', 's'],
    weights: { c: noise([2, 4, 2], 3), s: noise([2, 4, 2], 4) },
    attributes: { rotary_embedding_dim: 4, num_heads: 3, interleaved: 1 },
  },
};

describe('attention and rotary positions of ONNX Runtime, taken apart', () => {
  it.each(Object.entries(FUSED))('%s', async (_, one) => {
    const lowered = await compareWithRuntime(one, 3e-6);
    expect(lowered.nodes.filter(({ domain, op }) => domain !== '' || op === one.op)).toEqual([]);
    if (one.outputs === undefined || one.compared === 0) {
      await compareGradient(one);
      await compareGradientInDouble(one);
    }
  });

  it('MultiHeadAttention of one packed tensor, which the CPU has no kernel for, is that of its three parts', async () => {
    const attributes = { num_heads: 2 };
    const packed: LoweringCase = { op: 'MultiHeadAttention', x: [2, 4, 2, 3, 5], inputs: ['x'], attributes };
    const part = (name: string, at: number) => [
      makeNode('Gather', ['x', `i${at}`], [`${name}4`], { axis: 3 }),
      makeNode('Reshape', [`${name}4`, 'rows'], [name]),
    ];
    const apart: LoweringCase = {
      ...packed,
      before: [...part('q', 0), ...part('k', 1), ...part('v', 2)],
      inputs: ['q', 'k', 'v'],
      weights: {
        ...Object.fromEntries([0, 1, 2].map(at => [`i${at}`, { dims: [], type: 'int64', data: [at] } as const])),
        rows: { dims: [3], type: 'int64', data: [0, 0, -1] },
      },
    };
    const lowered = lowerOperators(buildCase(packed));
    expect(lowered.nodes.map(({ op }) => op)).not.toContain('MultiHeadAttention');
    const x = caseInput(packed);
    const [ours, theirs] = [await runCase(lowered, x), await runCase(buildCase(apart), x)];
    expectClose(ours.values, theirs.values, 3e-6);
  });

  it('stay where a form of them is not known', () => {
    const cached = { ...group, inputs: ['x', 'k', 'v', 'pk', 'pk', 'lengths', 'length'], attributes: grouped };
    const weights = { ...group.weights, pk: noise([2, 2, 3, 4], 6) };
    expect(lowerOperators(buildCase({ ...cached, weights })).nodes.map(({ op }) => op)).toContain(
      'GroupQueryAttention',
    );
  });
});
