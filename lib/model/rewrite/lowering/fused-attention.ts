import type { GraphNode } from '../../graph/graph.ts';
import type { Converter, Lowering } from './lowering.ts';

/**
 * com.microsoft Attention(x, w, bias, mask, past, attention bias): one projection to queries, keys and values, then
 * softmax(q·kᵀ·scale + attention bias)·v in every head. Masks and caches, which image models have none of, are not taken apart.
 */
export const attention: Converter = (node, lowering) => {
  const [x, weights, bias = '', mask, past, attentionBias = ''] = node.inputs as string[];
  const { attributes } = node;
  const columns = lowering.dimsOf(weights!)?.[1];
  const special =
    mask || past || node.inputs[6] || attributes.int('unidirectional', 0) || attributes.int('do_rotary', 0);
  if (special || node.outputs[1] || columns === undefined) return false;
  const sizes = attributes.ints('qkv_hidden_sizes') ?? [columns / 3, columns / 3, columns / 3];
  const product = lowering.emit('MatMul', [x!, weights!]);
  const projected = bias ? lowering.emit('Add', [product, bias]) : product;
  const parts = ['queries', 'keys', 'values'].map(what => `${node.outputs[0]}/${what}`) as [string, string, string];
  lowering.split(projected, sizes, 2, parts);
  return heads(node, lowering, parts, sizes[0]!, attentionBias);
};

/** com.microsoft MultiHeadAttention(q, k, v, bias, mask, attention bias) of separate projections [N, T, D]. */
export const multiHeadAttention: Converter = (node, lowering) => {
  const [q, k, v, bias = '', mask, attentionBias = '', ...caches] = node.inputs as string[];
  const columns = bias ? lowering.dimsOf(bias)?.[0] : undefined;
  const special = !k || !v || mask || caches.some(Boolean) || node.attributes.int('unidirectional', 0);
  const scaled = node.attributes.float('scale', 0) !== 0;
  if (special || node.outputs.slice(1).some(Boolean) || (bias ? columns === undefined : !scaled)) return false;
  let parts: readonly string[] = [q!, k, v];
  if (bias) {
    const shifts = ['query', 'key', 'value'].map(what => `${node.outputs[0]}/${what}-bias`);
    lowering.split(bias, [columns! / 3, columns! / 3, columns! / 3], 0, shifts);
    parts = parts.map((part, i) => lowering.emit('Add', [part, shifts[i]!]));
  }
  return heads(node, lowering, parts as [string, string, string], (columns ?? 0) / 3, attentionBias);
};

/** @param hidden length of a query over all heads; only read where the node gives no scale */
function heads(
  node: GraphNode,
  lowering: Lowering,
  [queries, keys, values]: readonly [string, string, string],
  hidden: number,
  attentionBias: string,
): true {
  const count = node.attributes.int('num_heads', 1);
  const scale = node.attributes.float('scale', 0) || 1 / Math.sqrt(hidden / count);
  const shape = lowering.integers([0, 0, count, -1]);
  const split = (tensor: string, perm: readonly number[]) =>
    lowering.emit('Transpose', [lowering.emit('Reshape', [tensor, shape])], { perm });
  const product = lowering.emit('MatMul', [split(queries, [0, 2, 1, 3]), split(keys, [0, 2, 3, 1])]);
  const scores = lowering.emit('Mul', [product, lowering.float(scale)]);
  const biased = attentionBias ? lowering.emit('Add', [scores, attentionBias]) : scores;
  const probabilities = lowering.emit(
    'Softmax',
    [biased],
    { axis: lowering.opset < 13 ? 3 : -1 },
    undefined,
    node.name,
  );
  const mixed = lowering.emit('MatMul', [probabilities, split(values, [0, 2, 1, 3])]);
  const rows = lowering.emit('Transpose', [mixed], { perm: [0, 2, 1, 3] });
  lowering.emit('Reshape', [rows, lowering.integers([0, 0, -1])], {}, node.outputs[0]!);
  return true;
}
