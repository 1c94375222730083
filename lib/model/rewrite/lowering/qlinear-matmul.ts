import type { Converter } from './lowering.ts';
import { int32Bias, parametersAt } from './quantized.ts';

/** QLinearMatMul(a, sa, za, b, sb, zb, sy, zy); b is a weight with one scale or one for each column, or an activation. */
export const qLinearMatMul: Converter = (node, lowering) => {
  const [a, , , b] = node.inputs as [string, string, string, string];
  const [left, right, to] = [parametersAt(node, 1), parametersAt(node, 4), parametersAt(node, 6)];
  const weight = lowering.dimsOf(b);
  const factor = weight ? lowering.weight(b, right, weight.length - 1) : lowering.dequantized(b, right);
  if (factor === undefined) return false;
  const [output] = node.outputs as [string];
  const before = lowering.unquantized(output);
  lowering.emitLike(node, 'MatMul', [lowering.dequantized(a, left), factor], [before]);
  lowering.quantize(before, to, output);
  return true;
};

/** com.microsoft QGemm(a, sa, za, b, sb, zb, c, sy, zy): the result stays float where it has no scale. */
export const qGemm: Converter = (node, lowering) => {
  const [a, , , b, , , c = ''] = node.inputs as string[];
  const [left, right, to] = [parametersAt(node, 1), parametersAt(node, 4), parametersAt(node, 7)];
  const { attributes } = node;
  const transposed = attributes.int('transB', 0) !== 0;
  const factor = attributes.float('alpha', 1);
  const bias = int32Bias(lowering, c, left, right, factor);
  const weight = bias === undefined ? undefined : lowering.weight(b!, right, transposed ? 0 : 1);
  if (bias === undefined || weight === undefined) return false;
  const [output] = node.outputs as [string];
  const before = to.scale ? lowering.unquantized(output) : output;
  lowering.emitLike(node, 'Gemm', [lowering.dequantized(a!, left), weight, bias], [before]);
  if (to.scale) lowering.quantize(before, to, output);
  return true;
};
