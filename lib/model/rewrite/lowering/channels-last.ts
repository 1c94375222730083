import type { GraphNode } from '../../graph/graph.ts';
import { fusedConv } from './fused-activation.ts';
import type { Converter, Lowering } from './lowering.ts';

/** A tensor [N, …, C] as [N, C, …]. */
export function channelsFirst(lowering: Lowering, tensor: string, rank: number): string {
  const axes = Array.from({ length: rank - 2 }, (_, i) => i + 1);
  return lowering.emit('Transpose', [tensor], { perm: [0, rank - 1, ...axes] });
}

/** A tensor [N, C, …] as [N, …, C]. */
export function channelsLast(lowering: Lowering, tensor: string, rank: number, output: string): string {
  const axes = Array.from({ length: rank - 2 }, (_, i) => i + 2);
  return lowering.emit('Transpose', [tensor], { perm: [0, ...axes, 1] }, output);
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
  const first = channelsFirst(lowering, parameters ? lowering.dequantized(x, parameters) : x, rank);
  lowering.emitLike(node, 'MaxPool', [first], [`${output}/first`]);
  const before = parameters ? lowering.unquantized(output) : output;
  channelsLast(lowering, `${output}/first`, rank, before);
  if (parameters) lowering.quantize(before, parameters, output);
  return true;
};
