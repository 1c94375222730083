import type { Converter } from './lowering.ts';
import { int32Bias, parametersAt } from './quantized.ts';

/** QLinearConv(x, sx, zx, w, sw, zw, sy, zy, bias): a convolution of the dequantised tensors, quantised again. */
export const qLinearConv: Converter = (node, lowering) => {
  const last = node.attributes.int('channels_last', 0) !== 0;
  const [x, , , weight, , , , , bias = ''] = node.inputs as string[];
  const [from, of, to] = [parametersAt(node, 1), parametersAt(node, 4), parametersAt(node, 6)];
  const values = int32Bias(lowering, bias, from, of);
  const kernel = values === undefined ? undefined : lowering.weight(weight!, of, 0);
  if (values === undefined || kernel === undefined) return false;
  const [output] = node.outputs as [string];
  const before = lowering.unquantized(output);
  const rank = lowering.dimsOf(weight!)!.length;
  const activation = last ? lowering.dequantizedFirst(x!, from, rank) : lowering.dequantized(x!, from);
  lowering.emitLike(node, 'Conv', [activation, kernel, values], [before]);
  if (last) lowering.quantizeLast(before, to, output, rank);
  else lowering.quantize(before, to, output);
  return true;
};
