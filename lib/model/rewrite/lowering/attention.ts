import { holdsBools } from './bools.ts';
import type { Converter, Lowering } from './lowering.ts';
import { biasWhere, causalBias, indicesUpTo, inverseRoot, scaledProduct } from './scaled-product.ts';

/**
 * Attention(q, k, v, mask, past k, past v, keys in use) of opset 23 and 24, of heads [N, H, T, D] or of rows [N, T, H·D]; keys
 * and values may have fewer heads, which groups of queries share. A query that sees no key at all, whose output is zero,
 * looks at all keys instead: no model asks for such a row.
 */
export const standardAttention: Converter = (node, lowering) => {
  const [q, k, v, mask = '', pastKeys = '', pastValues = '', inUse = ''] = node.inputs as [string, string, string];
  const { attributes } = node;
  const [heads, keyHeads] = [attributes.int('q_num_heads', 0), attributes.int('kv_num_heads', 0)];
  const rank = lowering.shapes.of(q)?.length ?? (heads > 0 ? undefined : 4);
  const given = heads > 0 && rank !== 4;
  if (!k || !v || (rank !== 4 && (rank ?? 3) !== 3) || (rank === 3 && !given) || !maskFits(lowering, node.inputs))
    return false;

  const chosen = mask === '' ? false : holdsBools(lowering.graph, mask);
  if (chosen === undefined) return false;
  const split = (tensor: string, count: number) => (given ? splitHeads(lowering, tensor, count) : tensor);
  const [ownKeys, ownValues] = [split(k, keyHeads), split(v, keyHeads)];
  const [output, presentKeys, presentValues, scoresOutput] = node.outputs;
  const keys = pastKeys ? lowering.emit('Concat', [pastKeys, ownKeys], { axis: 2 }) : ownKeys;
  const values = pastValues ? lowering.emit('Concat', [pastValues, ownValues], { axis: 2 }) : ownValues;
  if (presentKeys) lowering.emit('Identity', [keys], {}, presentKeys);
  if (presentValues) lowering.emit('Identity', [values], {}, presentValues);

  const [headsOf, keyHeadsOf] = given ? [heads, keyHeads] : [lowering.shapes.of(q)?.[1], lowering.shapes.of(k)?.[1]];
  const repeated = (tensor: string) => repeatHeads(lowering, tensor, keyHeadsOf, headsOf);
  const queries = split(q, heads);
  const keysTransposed = lowering.emit('Transpose', [repeated(keys)], { perm: [0, 1, 3, 2] });
  const scale = attributes.float('scale');
  const biases: string[] = [];
  if (mask) biases.push(chosen ? biasWhere(lowering, mask) : mask);
  // Keys of a cache outside: as many as are in use before the queries, in each image.
  const used = inUse && lowering.unsqueeze(inUse, 1, 2, 3);
  if (used) biases.push(biasWhere(lowering, lowering.emit('Less', [indicesUpTo(lowering, keysTransposed, -1), used])));
  if (attributes.int('is_causal', 0) !== 0) {
    const before = pastKeys
      ? lowering.sizeOf(pastKeys, 2)
      : used && lowering.emit('Sub', [used, lowering.sizeOf(queries, 2)]);
    biases.push(causalBias(lowering, queries, keysTransposed, { before }));
  }
  const made = scaledProduct(lowering, {
    queries,
    keysTransposed,
    values: repeated(values),
    scale: scale === undefined ? inverseRoot(lowering, q, given ? heads : 1) : lowering.float(scale),
    softcap: attributes.float('softcap', 0),
    biases,
    wide: lowering.half && attributes.int('softmax_precision', 0) === FLOAT,
    name: node.name,
    output: given ? undefined : output,
  });
  if (given) joinHeads(lowering, made.mixed, output!);
  const { scores, capped, biased, probabilities } = made;
  const asked = [scores, capped, biased, probabilities][attributes.int('qk_matmul_output_mode', 0)];
  if (scoresOutput) lowering.emit('Identity', [asked ?? scores], {}, scoresOutput);
  return true;
};

/** Of opset 24: a mask that is too short is filled up, which nobody has been seen to write. */
function maskFits(lowering: Lowering, [, key = '', , mask = '', past]: readonly string[]): boolean {
  const keys = past ? undefined : lowering.shapes.of(key)?.at(-2);
  const size = lowering.shapes.of(mask)?.at(-1);
  return keys === undefined || size === undefined || size === 1 || size === keys;
}

/** [N, T, H·D] as [N, H, T, D], or in another order of (N, T, H, D). */
export function splitHeads(
  lowering: Lowering,
  rows: string,
  heads: number,
  perm: readonly number[] = [0, 2, 1, 3],
): string {
  const apart = lowering.emit('Reshape', [rows, lowering.integers([0, 0, heads, -1])]);
  return lowering.emit('Transpose', [apart], { perm });
}

/** [N, H, T, D] as [N, T, H·D]. */
export function joinHeads(lowering: Lowering, heads: string, output: string): void {
  const rows = lowering.emit('Transpose', [heads], { perm: [0, 2, 1, 3] });
  lowering.emit('Reshape', [rows, lowering.integers([0, 0, -1])], {}, output);
}

/** Each head as often as queries share it. */
export function repeatHeads(
  lowering: Lowering,
  tensor: string,
  count: number | undefined,
  wanted: number | undefined,
): string {
  if (!count || !wanted || count === wanted || wanted % count !== 0 || wanted > MOST_HEADS) return tensor;
  const order = Array.from({ length: wanted }, (_, i) => Math.floor((i * count) / wanted));
  return lowering.emit('Gather', [tensor, lowering.integers(order)], { axis: 1 });
}

const FLOAT = 1;
/** More is a damaged file, which the runtime refuses. */
const MOST_HEADS = 2 ** 12;
