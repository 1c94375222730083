import { float } from '../../graph/attributes.ts';
import type { Converter, Lowering } from './lowering.ts';

/** Emits the activation that ONNX Runtime has fused into an operator, with its parameters in the operator's order. */
export function activate(
  lowering: Lowering,
  tensor: string,
  name: string,
  parameters: readonly (number | undefined)[],
  output: string,
): void {
  const [first, second] = parameters;
  if (name === 'Clip') {
    const bounds = [first, second].map(bound => (bound === undefined ? '' : lowering.float(bound)));
    if (lowering.opset >= 11) lowering.emit('Clip', [tensor, ...bounds], {}, output);
    else
      lowering.emit(
        'Clip',
        [tensor],
        { ...(first !== undefined && { min: float(first) }), ...(second !== undefined && { max: float(second) }) },
        output,
      );
    return;
  }
  const names: readonly string[] = name === 'LeakyRelu' ? ['alpha'] : name === 'HardSigmoid' ? ['alpha', 'beta'] : [];
  const given = names.flatMap((key, i) => (parameters[i] === undefined ? [] : [[key, float(parameters[i])] as const]));
  lowering.emit(name, [tensor], Object.fromEntries(given), output);
}

const ACTIVATIONS: ReadonlySet<string> = new Set(['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu', 'Clip', 'HardSigmoid']);

export const isActivation = (name: string): boolean => ACTIVATIONS.has(name);

/** com.microsoft FusedConv(x, w, bias, z): activation(Conv(x, w, bias) + z). */
export const fusedConv: Converter = (node, lowering) => {
  const name = node.attributes.string('activation') ?? '';
  if (name && !ACTIVATIONS.has(name)) return false;
  const [x, weight, bias = '', summand = ''] = node.inputs as string[];
  const [output] = node.outputs as [string];
  const convolved = name || summand ? `${output}/conv` : output;
  lowering.emitLike(node, 'Conv', [x!, weight!, bias], [convolved]);
  const sum = name ? `${output}/sum` : output;
  if (summand) lowering.emit('Add', [convolved, summand], {}, sum);
  const parameters = node.attributes.floats('activation_params') ?? [];
  if (name) activate(lowering, summand ? sum : convolved, name, parameters, output);
  return true;
};

/** com.microsoft FusedGemm: activation(Gemm(a, b, c)). */
export const fusedGemm: Converter = (node, lowering) => {
  const name = node.attributes.string('activation') ?? '';
  if (!ACTIVATIONS.has(name)) return false;
  const [output] = node.outputs as [string];
  const keys = ['activation_alpha', 'activation_beta', 'activation_gamma'];
  lowering.emitLike(node, 'Gemm', node.inputs, [`${output}/gemm`], { without: ['activation', ...keys] });
  const parameters = keys.map(key => node.attributes.float(key));
  activate(lowering, `${output}/gemm`, name, parameters, output);
  return true;
};
