import type { Converter } from './lowering.ts';

/** com.microsoft FusedMatMul and TransposeMatMul: alpha · A′·B′, each factor perhaps with its last two axes exchanged. */
export const fusedMatMul: Converter = (node, lowering) => {
  const { attributes } = node;
  if (attributes.int('transBatchA', 0) !== 0 || attributes.int('transBatchB', 0) !== 0) return false;
  const [a, b] = node.inputs as [string, string];
  const factors = [
    { tensor: a, transposed: attributes.int('transA', 0) !== 0 },
    { tensor: b, transposed: attributes.int('transB', 0) !== 0 },
  ];
  const turned = factors.map(({ tensor, transposed }) => {
    if (!transposed) return tensor;
    const rank = lowering.shapes.of(tensor)?.length;
    if (rank === undefined) return undefined;
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    return lowering.emit('Transpose', [tensor], { perm: [...axes.slice(0, -2), rank - 1, rank - 2] });
  });
  if (turned.includes(undefined)) return false;
  const alpha = attributes.float('alpha', 1);
  const [output] = node.outputs as [string];
  const product = alpha === 1 ? output : `${output}/product`;
  lowering.emit('MatMul', turned as string[], {}, product, node.name);
  if (alpha !== 1) lowering.emit('Mul', [product, lowering.float(alpha)], {}, output);
  return true;
};
