import type { Graph, GraphNode } from '../graph/graph.ts';
import { beforeQuantization, isCutOffAtZero } from './quantization.ts';

const ACTIVATIONS = new Set([
  'Relu',
  'LeakyRelu',
  'PRelu',
  'Elu',
  'Selu',
  'Celu',
  'Clip',
  'ThresholdedRelu',
  'HardSwish',
  'HardSigmoid',
  'Sigmoid',
  'Tanh',
  'Softplus',
  'Softsign',
  'Mish',
  'Gelu',
  'QuickGelu',
  'Swish',
]);

/** Steps of composite activations besides those: x·Sigmoid(x), x·Clip(x+3,0,6)/6, ½x(1+Erf(x/√2)), x·Tanh(Softplus(x)). */
const UNARY_STEPS = new Set([
  ...ACTIVATIONS,
  'Erf',
  'Exp',
  'Log',
  'Neg',
  'Pow',
  'Identity',
  'Cast',
  'Min',
  'Max',
  'QuantizeLinear',
  'DequantizeLinear',
]);
const BINARY_STEPS = new Set(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max']);
const MAX_STEPS = 6;

/** Handed through when asking what a tensor is made by. */
const ALIASES = new Set(['Identity', 'Dropout', 'Cast']);

/** Tells activations, composite ones included, from the rest of a graph. */
export class ActivationPatterns {
  /** Tensors inside composite activations: Sigmoid(x) of x·Sigmoid(x), and products before a final constant factor. */
  readonly inner: ReadonlySet<string>;
  readonly #graph: Graph;
  readonly #constant: (tensor: string) => boolean;
  /** Outputs of composite activations. */
  readonly #composite: ReadonlySet<string>;

  /** @param constant true for tensors that do not depend on the model's input */
  constructor(graph: Graph, constant: (tensor: string) => boolean) {
    this.#graph = graph;
    this.#constant = constant;
    const inner = new Set<string>();
    const composite = new Set<string>();
    for (const node of graph.nodes) {
      if (node.domain !== '' || node.op !== 'Mul' || node.inputs.some(constant)) continue;
      const parts = this.#commonArgument(node);
      if (!parts) continue;
      let output = node.outputs[0]!;
      for (const name of parts) inner.add(name);
      for (let next = this.#constantFactor(output); next; next = this.#constantFactor(output)) {
        inner.add(output);
        output = next;
      }
      composite.add(output);
    }
    this.inner = inner;
    this.#composite = composite;
  }

  /** True when a tensor is the output of an activation, a residual sum, a join of such, or a rescaling of one. */
  isPostActivation(tensor: string, depth = 8): boolean {
    if (depth === 0) return false;
    if (this.#composite.has(tensor)) return true;
    const node = this.#graph.producer(tensor);
    if (node?.domain !== '' || this.inner.has(tensor)) return false;
    if (ACTIVATIONS.has(node.op)) return true;
    const data = node.inputs.filter(name => name && !this.#constant(name));
    if ((node.op === 'Add' || node.op === 'Sum') && data.length > 1) return true;
    // The shift of a learnt scale and shift.
    if ((node.op === 'Add' || node.op === 'Sub') && data.length === 1)
      return this.isPostActivation(data[0]!, depth - 1);
    if (node.op === 'Concat') return data.every(name => this.#isActivationOrPool(name, depth - 1));
    if (ALIASES.has(node.op)) return this.isPostActivation(node.inputs[0]!, depth - 1);
    const rounded = beforeQuantization(this.#graph, tensor);
    if (rounded !== undefined) return isCutOffAtZero(this.#graph, tensor) || this.isPostActivation(rounded, depth - 1);
    // A squeeze-and-excitation gate or a constant factor on something that is an activation already.
    if (node.op === 'Mul') return data.some(name => this.isPostActivation(name, depth - 1) && !this.#isGate(name));
    return false;
  }

  #isActivationOrPool(tensor: string, depth: number): boolean {
    const node = this.#graph.producer(beforeQuantization(this.#graph, tensor) ?? tensor);
    if (node && /^(Max|Average)Pool$/.test(node.op)) return true;
    return this.isPostActivation(tensor, depth);
  }

  #isGate(tensor: string): boolean {
    const op = this.#graph.producer(beforeQuantization(this.#graph, tensor) ?? tensor)?.op;
    return op === 'Sigmoid' || op === 'HardSigmoid';
  }

  /** For f(x)·g(x) with element-wise f and g: the tensors between x and the product; undefined for other products. */
  #commonArgument({ inputs: [first, second] }: GraphNode): string[] | undefined {
    return first === second ? undefined : this.#between(first!, second!, MAX_STEPS)?.parts;
  }

  /** What two tensors are element-wise functions of, and what lies between. */
  #between(first: string, second: string, steps: number): { parts: string[]; argument: string } | undefined {
    const [left, right] = [this.#elementwiseChain(first, steps), this.#elementwiseChain(second, steps)];
    const shared = left.findIndex(name => right.includes(name));
    if (shared < 0) return undefined;
    const argument = left[shared]!;
    return { parts: [...left.slice(0, shared), ...right.slice(0, right.indexOf(argument))], argument };
  }

  /** A tensor and those before it, as long as each is an element-wise function of one other (x + c·x³ is one, too). */
  #elementwiseChain(tensor: string, steps: number): string[] {
    const chain = [tensor];
    let name = tensor;
    for (let step = 0; step < steps; step++) {
      const node = this.#graph.producer(name);
      if (node?.domain !== '') break;
      const data = node.inputs.filter(input => input && !this.#constant(input));
      if (!UNARY_STEPS.has(node.op) && !BINARY_STEPS.has(node.op)) break;
      const sum = node.op === 'Add' && data.length === 2 && data[0] !== data[1];
      const both = sum ? this.#between(data[0]!, data[1]!, steps - step - 1) : undefined;
      if (both) chain.push(...both.parts);
      else if (data.length !== 1) break;
      chain.push((name = both?.argument ?? data[0]!));
    }
    return chain;
  }

  /** The output of a multiplication or division by a constant that is all that reads a tensor. */
  #constantFactor(tensor: string): string | undefined {
    const [consumer, another] = this.#graph.consumers(tensor);
    if (!consumer || another || consumer.domain !== '' || (consumer.op !== 'Mul' && consumer.op !== 'Div'))
      return undefined;
    const [left, right] = consumer.inputs;
    const byConstant = left === tensor ? this.#constant(right!) : consumer.op === 'Mul' && this.#constant(left!);
    return byConstant ? consumer.outputs[0] : undefined;
  }
}
