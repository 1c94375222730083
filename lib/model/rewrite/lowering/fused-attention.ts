import type { GraphNode } from '../../graph/graph.ts';
import { joinHeads, repeatHeads, splitHeads } from './attention.ts';
import type { Converter, Lowering } from './lowering.ts';
import { rotate, rowsInOrder } from './rotary.ts';
import { biasWhere, causalBias, inverseRoot, scaledProduct } from './scaled-product.ts';

/**
 * com.microsoft Attention(x, w, bias, mask, past, attention bias): one projection to queries, keys and values, then
 * softmax(q·kᵀ·scale + biases)·v in every head; past [2, N, H, T, D] comes before the keys and values. Masks that say where padding
 * begins are not taken apart.
 */
export const attention: Converter = (node, lowering) => {
  const [x, weights, bias = ''] = node.inputs as string[];
  const product = () => {
    const plain = lowering.emit('MatMul', [x!, weights!]);
    return bias ? lowering.emit('Add', [plain, bias]) : plain;
  };
  return projectedAttention(node, lowering, { columns: lowering.dimsOf(weights!)?.[1], product, at: 3 });
};

/** com.microsoft QAttention(x, w, bias, sx, sw, mask, zx, zw, past): Attention of quantised tensors. */
export const quantizedAttention: Converter = (node, lowering) => {
  const [x, weights, bias, scaleX, scaleW, mask = '', zeroX = '', zeroW = '', past = ''] = node.inputs as string[];
  const columns = lowering.dimsOf(weights!)?.[1];
  const floats = columns === undefined ? undefined : lowering.weight(weights!, { scale: scaleW!, zero: zeroW }, 1);
  if (floats === undefined) return false;
  const product = () => {
    const activation = lowering.dequantized(x!, { scale: scaleX!, zero: zeroX });
    return lowering.emit('Add', [lowering.emit('MatMul', [activation, floats]), bias!]);
  };
  const asAttention = { ...node, inputs: ['', '', '', mask, past] };
  return projectedAttention(asAttention, lowering, { columns, product, at: 3 });
};

interface Projection {
  /** Those of the queries, keys and values together. */
  readonly columns: number | undefined;
  readonly product: () => string;
  /** Position of the mask among the inputs; past and attention bias follow. */
  readonly at: number;
}

function projectedAttention(node: GraphNode, lowering: Lowering, { columns, product, at }: Projection): boolean {
  const { attributes } = node;
  const [mask = '', past = '', attentionBias = '', ...more] = node.inputs.slice(at);
  const special = more.some(Boolean) || attributes.int('do_rotary', 0);
  const biases = maskBiases(node, lowering, mask, attentionBias);
  if (special || columns === undefined || !biases) return false;
  const sizes = attributes.ints('qkv_hidden_sizes') ?? [columns / 3, columns / 3, columns / 3];
  const parts = lowering.split(product(), sizes, 2) as [string, string, string];
  const heads = attributes.int('num_heads', 1);
  const scale = lowering.float(attributes.float('scale', 0) || 1 / Math.sqrt(sizes[0]! / heads));
  const [queries, ...own] = parts.map(part => splitHeads(lowering, part, heads)) as [string, string, string];
  const cached = isEmpty(lowering, past)
    ? []
    : [0, 1].map(at => lowering.squeeze(lowering.emit('Gather', [past, lowering.integers([at])], { axis: 0 }), 0));
  const [keys, values] = own.map((part, i) =>
    cached[i] ? lowering.emit('Concat', [cached[i], part], { axis: 2 }) : part,
  ) as [string, string];
  const present = node.outputs[1];
  if (present) {
    const both = [keys, values].map(part => lowering.unsqueeze(part, 0));
    lowering.emit('Concat', both, { axis: 0 }, present);
  }
  const keysTransposed = lowering.emit('Transpose', [keys], { perm: [0, 1, 3, 2] });
  const before = cached[0] && lowering.sizeOf(cached[0], 2);
  attend(node, lowering, { queries, keysTransposed, values, scale, biases, before });
  return true;
}

/** Whether a cache is left out, or known to hold no token. */
export function isEmpty(lowering: Lowering, cache: string): boolean {
  return cache === '' || (lowering.dimsOf(cache) ?? lowering.shapes.of(cache) ?? []).includes(0);
}

/**
 * com.microsoft MultiHeadAttention(q, k, v, bias, mask, attention bias, past k, past v): of rows [N, T, H·D], of keys and
 * values [N, H, T, D], or of one tensor [N, T, H, 3, D].
 */
export const multiHeadAttention: Converter = (node, lowering) => {
  const [q, k = '', v = '', bias = '', mask = '', attentionBias = '', pastKeys = '', pastValues = '', ...more] =
    node.inputs as [string];
  const { attributes } = node;
  const heads = attributes.int('num_heads', 1);
  const rank = lowering.shapes.of(k || q)?.length;
  const biases = maskBiases(node, lowering, mask, attentionBias);
  if (more.some(Boolean) || !biases || rank === undefined) return false;
  if (k ? !v || (rank !== 3 && (rank !== 4 || bias)) : rank !== 5 || bias) return false;

  const [rowsQ, rowsK, rowsV] = bias ? (withBias(lowering, bias, [q, k, v]) ?? []) : [q, k, v];
  if (rowsQ === undefined) return false;
  const [queries, ownKeys, ownValues] = k
    ? [rowsQ, rowsK!, rowsV!].map((part, i) => (i > 0 && rank === 4 ? part : splitHeads(lowering, part, heads)))
    : apart(lowering, q);
  const keys = pastKeys ? lowering.emit('Concat', [pastKeys, ownKeys!], { axis: 2 }) : ownKeys!;
  const values = pastValues ? lowering.emit('Concat', [pastValues, ownValues!], { axis: 2 }) : ownValues!;
  const [, presentKeys, presentValues, probabilities] = node.outputs;
  if (presentKeys) lowering.emit('Identity', [keys], {}, presentKeys);
  if (presentValues) lowering.emit('Identity', [values], {}, presentValues);
  const given = attributes.float('scale', 0);
  const scale = given ? lowering.float(given) : inverseRoot(lowering, q, k ? heads : 1);
  const keysTransposed = lowering.emit('Transpose', [keys], { perm: [0, 1, 3, 2] });
  const before = pastKeys && lowering.sizeOf(pastKeys, 2);
  attend(node, lowering, { queries: queries!, keysTransposed, values, scale, biases, before, probabilities });
  return true;
};

/** Each projection with its own stretch of the bias. */
function withBias(lowering: Lowering, bias: string, rows: readonly string[]): string[] | undefined {
  const total = lowering.dimsOf(bias)?.[0];
  const values = lowering.shapes.of(rows[2]!)?.at(-1) ?? (total === undefined ? undefined : total / 3);
  if (total === undefined || values === undefined || (total - values) % 2 !== 0) return undefined;
  const hidden = (total - values) / 2;
  const shifts = lowering.split(bias, [hidden, hidden, values], 0);
  return rows.map((part, i) => lowering.emit('Add', [part, shifts[i]!]));
}

/** [N, T, H, 3, D] as three tensors [N, H, T, D]. */
function apart(lowering: Lowering, packed: string): string[] {
  return lowering
    .split(packed, [1, 1, 1], 3)
    .map(part => lowering.emit('Transpose', [lowering.squeeze(part, 3)], { perm: [0, 2, 1, 3] }));
}

/**
 * com.microsoft GroupQueryAttention(q, k, v, past k, past v, lengths, length, cos, sin, positions, attention bias, …) without
 * tokens in a cache: all tokens are there at once, so lengths say nothing that the causal mask doesn't. q may hold keys and values too.
 */
export const groupQueryAttention: Converter = (node, lowering) => {
  const [
    q,
    k = '',
    v = '',
    pastKeys = '',
    pastValues = '',
    ,
    ,
    cos = '',
    sin = '',
    positions,
    attentionBias = '',
    ...more
  ] = node.inputs as string[] as [string, ...string[]];
  const { attributes } = node;
  const [heads, keyHeads] = [attributes.int('num_heads', 1), attributes.int('kv_num_heads', 1)];
  const rotary = attributes.int('do_rotary', 0) !== 0;
  const half = lowering.shapes.of(cos)?.at(-1);
  const cached = !isEmpty(lowering, pastKeys) || !isEmpty(lowering, pastValues);
  const special = cached || positions || more.some(Boolean) || attributes.int('smooth_softmax', 0) > 0;
  const size = headSize(lowering, node, heads + (k ? 0 : 2 * keyHeads));
  if (special || node.outputs[3] || (rotary && (!sin || half === undefined)) || (!k && size === undefined))
    return false;
  const turnsPart = size !== undefined && half !== undefined && size > 2 * half;
  const rows = k ? [q, k, v] : lowering.split(q, [heads * size!, keyHeads * size!, keyHeads * size!], 2);
  const [queries, keys, values] = rows.map((part, i) => {
    const own = splitHeads(lowering, part, i === 0 ? heads : keyHeads);
    const interleaved = attributes.int('rotary_interleaved', 0) !== 0;
    if (!rotary || i === 2) return own;
    const [rowsCos, rowsSin] = [cos, sin].map(cache => rowsInOrder(lowering, cache, own)) as [string, string];
    return rotate(lowering, own, { cos: rowsCos, sin: rowsSin, half: half!, interleaved, partial: turnsPart });
  }) as [string, string, string];
  const [, presentKeys, presentValues] = node.outputs;
  if (presentKeys) lowering.emit('Identity', [keys], {}, presentKeys);
  if (presentValues) lowering.emit('Identity', [values], {}, presentValues);
  const given = attributes.float('scale', 0);
  const repeated = (tensor: string) => repeatHeads(lowering, tensor, keyHeads, heads);
  attend(node, lowering, {
    queries,
    keysTransposed: lowering.emit('Transpose', [repeated(keys)], { perm: [0, 1, 3, 2] }),
    values: repeated(values),
    scale: given ? lowering.float(given) : inverseRoot(lowering, queries),
    biases: attentionBias ? [attentionBias] : [],
    causal: attributes.int('causal', 1) !== 0,
    window: attributes.int('local_window_size', -1),
    softcap: attributes.float('softcap', 0),
  });
  return true;
};

function headSize(lowering: Lowering, { inputs }: GraphNode, heads: number): number | undefined {
  const columns = lowering.shapes.of(inputs[0]!)?.at(-1);
  return columns === undefined ? undefined : columns / heads;
}

/**
 * Masks of keys [N, keys] or of pairs [N, queries, keys] in which 0 stands for padding, and a bias.
 * @returns undefined for masks of another form
 */
function maskBiases(node: GraphNode, lowering: Lowering, mask: string, bias: string): string[] | undefined {
  const biases = bias ? [bias] : [];
  if (!mask) return biases;
  const rank = lowering.shapes.of(mask)?.length;
  if (rank !== 2 && rank !== 3) return undefined;
  const kept = lowering.emit('Cast', [mask], { to: BOOL });
  const spread = rank === 2 ? lowering.unsqueeze(kept, 1, 2) : lowering.unsqueeze(kept, 1);
  return [biasWhere(lowering, spread, node.attributes.float('mask_filter_value', -10000)), ...biases];
}

interface Heads {
  readonly queries: string;
  readonly keysTransposed: string;
  readonly values: string;
  readonly scale: string;
  readonly biases: readonly string[];
  readonly causal?: boolean;
  readonly window?: number;
  readonly before?: string;
  readonly softcap?: number;
  /** Output for the probabilities. */
  readonly probabilities?: string;
}

function attend(node: GraphNode, lowering: Lowering, heads: Heads): void {
  const { queries, keysTransposed, values, scale, softcap, before, window } = heads;
  const causal = heads.causal ?? node.attributes.int('unidirectional', 0) !== 0;
  const biases = [...heads.biases];
  if (causal) biases.push(causalBias(lowering, queries, keysTransposed, { before, window }));
  const made = scaledProduct(lowering, { queries, keysTransposed, values, scale, biases, softcap, name: node.name });
  if (heads.probabilities) lowering.emit('Identity', [made.probabilities], {}, heads.probabilities);
  joinHeads(lowering, made.mixed, node.outputs[0]!);
}

const BOOL = 9;
