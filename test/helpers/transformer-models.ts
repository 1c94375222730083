import { float } from '../../lib/model/graph/attributes.ts';
import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel, int64, noise, type WeightSpec } from './model-builder.ts';

export interface VitOptions {
  /** [height, width] of the picture; patches have 4×4 pixels. Default [12, 20]: 3×5 patches. */
  readonly size?: readonly [number, number];
  /** Class, distillation and register tokens before the patches (default 1). */
  readonly prefix?: number;
  readonly blocks?: number;
  readonly heads?: number;
  /** What the head reads: the first token (default), or the mean of all, or of the patches before they are normalised. */
  readonly pool?: 'token' | 'mean' | 'patches';
  /** How q·kᵀ is scaled: after it (default), or half of it on either factor, as PyTorch's exporters do. */
  readonly scale?: 'after' | 'before';
  /** A bias that is added to the scores, as for relative positions. */
  readonly bias?: boolean;
  /** Layer normalisation in pieces, or root mean square alone in pieces, as exporters write it. */
  readonly pieces?: boolean | 'root mean square';
  readonly batch?: number | string;
}

const D = 8;
const CLASSES = 4;

/**
 * A vision transformer of width 8 with 4 classes and random weights: patch embedding, class token, positions, pre-norm
 * blocks, norm, linear head. Tensors of block i: `i/norm1`, `i/probabilities`, `i/out` (after both residual sums).
 */
export function vitModel({
  size: [height, width] = [12, 20],
  prefix = 1,
  blocks = 2,
  heads = 2,
  pool = 'token',
  scale = 'after',
  bias = false,
  pieces = false,
  batch = 'N',
}: VitOptions = {}) {
  const patches = (height / 4) * (width / 4);
  const count = prefix + patches;
  const initializers: Record<string, WeightSpec> = {
    wp: noise([D, 3, 4, 4], 1, 0.3),
    flat: int64(0, D, patches),
    positions: noise([1, count, D], 2),
    root: { dims: [], data: Float32Array.of(Math.sqrt(D / heads)) },
    half: { dims: [], data: Float32Array.of((D / heads) ** -0.25) },
    split: int64(0, count, heads, D / heads),
    join: int64(0, count, D),
    gain: noise([D], 3),
    two: { dims: [], data: Float32Array.of(2) },
    epsilon: { dims: [], data: Float32Array.of(1e-5) },
    zero: { dims: [], type: 'int64', data: [0] },
    wh: noise([D, CLASSES], 4),
    bh: noise([CLASSES], 5),
    bias: noise([1, heads, count, count], 6),
  };
  const nodes: GraphNode[] = [];
  const step = (op: string, inputs: string[], output: string, attributes = {}) => {
    nodes.push(makeNode(op, inputs, [output], attributes, { name: `node ${output}` }));
    return output;
  };
  const weight = (name: string, dims: readonly number[], amount = 0.5) => {
    initializers[name] = noise(dims, Object.keys(initializers).length + 10, amount);
    return name;
  };
  const norm = (x: string, output: string) => {
    const shift = weight(`${output} shift`, [D]);
    if (!pieces) return step('LayerNormalization', [x, 'gain', shift], output, { axis: -1, epsilon: float(1e-5) });
    if (pieces === 'root mean square') {
      const square = step('Pow', [x, 'two'], `${output} square`);
      const mean = step('ReduceMean', [square], `${output} mean`, { axes: [-1] });
      const root = step('Sqrt', [step('Add', [mean, 'epsilon'], `${output} sum`)], `${output} root`);
      const unit = step('Mul', [x, step('Reciprocal', [root], `${output} factor`)], `${output} unit`);
      return step('Mul', [unit, 'gain'], output);
    }
    const mean = step('ReduceMean', [x], `${output} mean`, { axes: [-1] });
    const centred = step('Sub', [x, mean], `${output} centred`);
    const square = step('Pow', [centred, 'two'], `${output} square`);
    const variance = step('ReduceMean', [square], `${output} variance`, { axes: [-1] });
    const deviation = step('Sqrt', [step('Add', [variance, 'epsilon'], `${output} sum`)], `${output} deviation`);
    const unit = step('Div', [centred, deviation], `${output} unit`);
    return step('Add', [step('Mul', [unit, 'gain'], `${output} scaled`), shift], output);
  };
  const linear = (x: string, output: string, from: number, to: number) =>
    step('MatMul', [x, weight(`${output} weight`, [from, to])], output);

  step('Conv', ['x', 'wp'], 'patches', { kernel_shape: [4, 4], strides: [4, 4] });
  step('Transpose', [step('Reshape', ['patches', 'flat'], 'flattened')], 'embedded', { perm: [0, 2, 1] });
  let tokens = 'embedded';
  if (prefix > 0) {
    initializers.more = noise([1, prefix, D], 7);
    initializers.rest = int64(prefix, D);
    const sizes = step('Concat', [step('Shape', ['x'], 'count', { end: 1 }), 'rest'], 'sizes', { axis: 0 });
    const classes = step('Expand', ['more', sizes], 'classes');
    tokens = step('Concat', [classes, tokens], 'joined', { axis: 1 });
  }
  tokens = step('Add', [tokens, 'positions'], 'placed');
  for (let i = 0; i < blocks; i++) {
    const at = (name: string) => `${i}/${name}`;
    const normed = norm(tokens, at('norm1'));
    const part = (name: string, perm: number[]) =>
      step(
        'Transpose',
        [step('Reshape', [linear(normed, at(name), D, D), 'split'], at(`${name} split`))],
        at(`${name} heads`),
        { perm },
      );
    let [q, k] = [part('q', [0, 2, 1, 3]), part('k', [0, 2, 3, 1])];
    if (scale === 'before') [q, k] = [step('Mul', [q, 'half'], at('q half')), step('Mul', [k, 'half'], at('k half'))];
    let scores = step('MatMul', [q, k], at('scores'));
    if (scale === 'after') scores = step('Div', [scores, 'root'], at('scaled'));
    if (bias) scores = step('Add', [scores, 'bias'], at('biased'));
    const probabilities = step('Softmax', [scores], at('probabilities'), { axis: -1 });
    const seen = step('MatMul', [probabilities, part('v', [0, 2, 1, 3])], at('seen'));
    const joined = step(
      'Reshape',
      [step('Transpose', [seen], at('back'), { perm: [0, 2, 1, 3] }), 'join'],
      at('joined'),
    );
    tokens = step('Add', [tokens, linear(joined, at('projected'), D, D)], at('attended'));
    const hidden = step('Relu', [linear(norm(tokens, at('norm2')), at('hidden'), D, 2 * D)], at('active'));
    tokens = step('Add', [tokens, linear(hidden, at('mlp'), 2 * D, D)], at('out'));
  }
  if (pool === 'patches') {
    for (const [name, value] of [
      ['from', prefix],
      ['to', count],
      ['along', 1],
    ] as const)
      initializers[name] = int64(value);
    tokens = step('Slice', [tokens, 'from', 'to', 'along'], 'alone');
  }
  const last = norm(tokens, 'norm');
  const pooled =
    pool !== 'token'
      ? step('ReduceMean', [last], 'pooled', { axes: [1], keepdims: 0 })
      : step('Gather', [last, 'zero'], 'pooled', { axis: 1 });
  step('Gemm', [pooled, 'wh', 'bh'], 'y');
  return buildModel({
    nodes,
    inputs: [{ name: 'x', dims: [batch, 3, height, width] }],
    outputs: [{ name: 'y', dims: [batch, CLASSES] }],
    initializers,
  });
}
