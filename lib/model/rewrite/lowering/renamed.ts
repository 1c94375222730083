import { activate, isActivation } from './fused-activation.ts';
import { fusedMatMul } from './fused-matmul.ts';
import type { Converter } from './lowering.ts';

/** Operators that ONNX has taken over from the runtime, from an opset on. */
export function renamed(op: string, since: number): Converter {
  return (node, lowering) => {
    if (lowering.opset < since) return false;
    lowering.emitLike(node, op, node.inputs, node.outputs);
    return true;
  };
}

/** com.microsoft ExpandDims(x, axis). */
export const expandDims: Converter = (node, lowering) => {
  const [x, axis] = node.inputs as [string, string];
  const [at] = lowering.numbers(axis) ?? [];
  const output = node.outputs[0]!;
  if (at === undefined) return false;
  if (lowering.opset < 13) lowering.emit('Unsqueeze', [x], { axes: [at] }, output, node.name);
  else lowering.emit('Unsqueeze', [x, lowering.integers([at])], {}, output, node.name);
  return true;
};

/** com.microsoft FusedMatMulActivation: activation(FusedMatMul(a, b)). */
export const fusedMatMulActivation: Converter = (node, lowering) => {
  const { attributes } = node;
  const name = attributes.string('activation') ?? '';
  const [output] = node.outputs as [string];
  const product = `${output}/fused`;
  if (!isActivation(name) || !fusedMatMul({ ...node, outputs: [product] }, lowering)) return false;
  const parameters = ['activation_alpha', 'activation_beta'].map(key => attributes.float(key));
  activate(lowering, product, name, parameters, output);
  return true;
};

/** com.microsoft ScaledSiLU(x, scale): z·σ(z) of z = x·scale. */
export const scaledSilu: Converter = (node, lowering) => {
  const [x, scale = ''] = node.inputs as [string];
  const factor = scale || lowering.float(node.attributes.float('alpha', 1));
  const scaled = lowering.emit('Mul', [x, factor]);
  lowering.emit('Mul', [scaled, lowering.emit('Sigmoid', [scaled])], {}, node.outputs[0]!, node.name);
  return true;
};
