import type { Converter, Lowering } from './lowering.ts';

/** com.microsoft Gelu(x) and BiasGelu(x, b): ½x(1 + erf(x/√2)). */
export const gelu: Converter = (node, lowering) => {
  geluOf(lowering, biased(lowering, node.inputs), node.outputs[0]!);
  return true;
};

export function geluOf(lowering: Lowering, x: string, output?: string): string {
  const scaled = lowering.emit('Div', [x, lowering.float(Math.SQRT2)]);
  return halved(lowering, x, lowering.emit('Erf', [scaled]), output);
}

/** com.microsoft FastGelu(x, b): ½x(1 + tanh(√(2/π)(x + 0.044715x³))). */
export const fastGelu: Converter = (node, lowering) => {
  fastGeluOf(lowering, biased(lowering, node.inputs), node.outputs[0]!);
  return true;
};

export function fastGeluOf(lowering: Lowering, x: string, output: string): string {
  const cube = lowering.emit('Mul', [lowering.emit('Mul', [x, x]), x]);
  const sum = lowering.emit('Add', [x, lowering.emit('Mul', [cube, lowering.float(0.044715)])]);
  const scaled = lowering.emit('Mul', [sum, lowering.float(Math.sqrt(2 / Math.PI))]);
  return halved(lowering, x, lowering.emit('Tanh', [scaled]), output);
}

/** com.microsoft QuickGelu: x·σ(αx). */
export const quickGelu: Converter = (node, lowering) => {
  const [x] = node.inputs as [string];
  const alpha = node.attributes.float('alpha', 1.702);
  const scaled = alpha === 1 ? x : lowering.emit('Mul', [x, lowering.float(alpha)]);
  lowering.emit('Mul', [x, lowering.emit('Sigmoid', [scaled])], {}, node.outputs[0]!, node.name);
  return true;
};

function biased(lowering: Lowering, [x, bias]: readonly string[]): string {
  return bias ? lowering.emit('Add', [x!, bias]) : x!;
}

/** ½x(1 + f). */
function halved(lowering: Lowering, x: string, f: string, output?: string): string {
  const factor = lowering.emit('Add', [f, lowering.float(1)]);
  return lowering.emit('Mul', [lowering.emit('Mul', [x, factor]), lowering.float(0.5)], {}, output);
}
