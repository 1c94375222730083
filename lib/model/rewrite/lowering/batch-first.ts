import type { Converter } from './lowering.ts';

/**
 * LSTM, GRU and RNN with layout = 1, whose batch comes first: the runtime has no kernel for it. Transposed to the layout
 * that it has, [T, N, …] and states [D, N, H].
 */
export const batchFirst: Converter = (node, lowering) => {
  if (node.attributes.int('layout', 0) !== 1) return false;
  const swap = (tensor: string | undefined) =>
    tensor ? lowering.emit('Transpose', [tensor], { perm: [1, 0, 2] }) : '';
  const [x, w, r, b = '', lengths = '', h, c, p = ''] = node.inputs as string[];
  const inputs = [swap(x), w!, r!, b, lengths, swap(h), swap(c), p];
  const inner = node.outputs.map(output => output && `${output}/time-first`);
  lowering.emitLike(node, node.op, inputs, inner, { without: ['layout'] });
  // Y is [T, D, N, H] and becomes [N, T, D, H].
  for (const [index, output] of node.outputs.entries())
    if (output) lowering.emit('Transpose', [inner[index]!], { perm: index === 0 ? [2, 0, 1, 3] : [1, 0, 2] }, output);
  return true;
};
