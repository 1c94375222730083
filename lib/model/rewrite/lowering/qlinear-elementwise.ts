import type { GraphNode } from '../../graph/graph.ts';
import type { Converter, Lowering } from './lowering.ts';
import { parametersAt } from './quantized.ts';

/** Reads dequantised inputs, quantises what `op` makes of them. */
function through(
  lowering: Lowering,
  node: GraphNode,
  op: string,
  inputs: readonly string[],
  to: ReturnType<typeof parametersAt>,
): true {
  const [output] = node.outputs as [string];
  const before = lowering.unquantized(output);
  lowering.emitLike(node, op, inputs, [before]);
  lowering.quantize(before, to, output);
  return true;
}

/** QLinearAdd and QLinearMul: (a, sa, za, b, sb, zb, sy, zy). */
export function qLinearBinary(op: string): Converter {
  return (node, lowering) => {
    const factors = [0, 3].map(at => lowering.dequantized(node.inputs[at]!, parametersAt(node, at + 1)));
    return through(lowering, node, op, factors, parametersAt(node, 6));
  };
}

/** QLinearSigmoid, QLinearLeakyRelu, QLinearAveragePool, QLinearGlobalAveragePool …: (x, sx, zx, sy, zy). */
export function qLinearUnary(op: string): Converter {
  return (node, lowering) => {
    const [from, to] = [parametersAt(node, 1), parametersAt(node, 3)];
    const [input, output] = [node.inputs[0]!, node.outputs[0]!];
    if (node.attributes.int('channels_last', 0) === 0)
      return through(lowering, node, op, [lowering.dequantized(input, from)], to);
    const rank = node.attributes.ints('kernel_shape')?.length ?? lowering.shapes.of(input)?.slice(2).length;
    if (rank === undefined) return false;
    const before = lowering.unquantized(output);
    lowering.emitLike(node, op, [lowering.dequantizedFirst(input, from, rank + 2)], [before]);
    lowering.quantizeLast(before, to, output, rank + 2);
    return true;
  };
}

/** QLinearSoftmax says itself which opset's Softmax it means: before 13 another operator. */
export const qLinearSoftmax: Converter = (node, lowering) => {
  if (node.attributes.int('opset', lowering.opset) < 13 !== lowering.opset < 13) return false;
  return qLinearUnary('Softmax')(node, lowering);
};

/** QLinearConcat(sy, zy, x0, s0, z0, x1, s1, z1, …). */
export const qLinearConcat: Converter = (node, lowering) => {
  const parts: string[] = [];
  for (let at = 2; at < node.inputs.length; at += 3)
    parts.push(lowering.dequantized(node.inputs[at]!, parametersAt(node, at + 1)));
  return through(lowering, node, 'Concat', parts, parametersAt(node, 0));
};

/** QLinearWhere(condition, x, sx, zx, y, sy, zy, s, z). */
export const qLinearWhere: Converter = (node, lowering) => {
  const branches = [1, 4].map(at => lowering.dequantized(node.inputs[at]!, parametersAt(node, at + 1)));
  return through(lowering, node, 'Where', [node.inputs[0]!, ...branches], parametersAt(node, 7));
};
