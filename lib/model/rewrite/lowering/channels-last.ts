import type { GraphNode } from '../../graph/graph.ts';
import { fusedConv } from './fused-activation.ts';
import type { Converter, Lowering } from './lowering.ts';
import { toFirst, toLast } from './perms.ts';

/** A tensor [N, …, C] as [N, C, …]. */
export function channelsFirst(lowering: Lowering, tensor: string, rank: number): string {
  return lowering.emit('Transpose', [tensor], { perm: toFirst(rank) });
}

/** A tensor [N, C, …] as [N, …, C]. */
export function channelsLast(lowering: Lowering, tensor: string, rank: number, output: string): string {
  return lowering.emit('Transpose', [tensor], { perm: toLast(rank) }, output);
}

/** com.microsoft NhwcConv and NhwcFusedConv(x, w, bias, z): a convolution of maps with channels last, w [M, C, kh, kw] as ever. */
export const nhwcConv: Converter = (node, lowering) => {
  const [x, weight, bias = '', summand = ''] = node.inputs as [string, string];
  const rank = lowering.shapes.of(weight)?.length;
  if (rank === undefined) return false;
  const [output] = node.outputs as [string];
  const first: GraphNode = {
    ...node,
    inputs: [channelsFirst(lowering, x, rank), weight, bias, summand && channelsFirst(lowering, summand, rank)],
    outputs: [`${output}/first`],
  };
  if (!fusedConv(first, lowering)) return false;
  channelsLast(lowering, `${output}/first`, rank, output);
  return true;
};

/** com.microsoft NhwcMaxPool, of quantised maps mostly. */
export const nhwcMaxPool: Converter = (node, lowering) => {
  const [x] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const rank = (node.attributes.ints('kernel_shape')?.length ?? 0) + 2;
  const parameters = lowering.quantized.get(x);
  if (parameters) {
    const before = lowering.unquantized(output);
    lowering.emitLike(node, 'MaxPool', [lowering.dequantizedFirst(x, parameters, rank)], [before]);
    lowering.quantizeLast(before, parameters, output, rank);
    return true;
  }
  lowering.emitLike(node, 'MaxPool', [channelsFirst(lowering, x, rank)], [`${output}/first`]);
  channelsLast(lowering, `${output}/first`, rank, output);
  return true;
};
