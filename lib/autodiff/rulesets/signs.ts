import { named } from '../../common/named.ts';
import { constantValues } from '../../model/graph/constant-chain.ts';
import type { GraphNode } from '../../model/graph/graph.ts';
import type { NodeContext } from '../context.ts';
import { sizeOf } from '../value.ts';

/** What the graph says about the values of a tensor without running it. */

/** How far back a tensor's origin is followed. */
const DEPTH = 12;

const NEVER_NEGATIVE: ReadonlySet<string> = new Set([
  'Abs',
  'Exp',
  'HardSigmoid',
  'Relu',
  'Sigmoid',
  'Softmax',
  'Softplus',
]);

/** Not negative where their first input is not. */
const SIGN_KEEPING: ReadonlySet<string> = new Set([
  ...['AveragePool', 'Cast', 'DequantizeLinear', 'Dropout', 'Expand', 'Flatten', 'GlobalAveragePool', 'GlobalMaxPool'],
  ...['Identity', 'MaxPool', 'QuantizeLinear', 'ReduceMax', 'ReduceMean', 'ReduceSum', 'Reshape', 'Slice', 'Split'],
  ...['Squeeze', 'Transpose', 'Unsqueeze'],
]);

/** Not negative where none of their inputs is. */
const COMBINING: ReadonlySet<string> = new Set(['Add', 'Concat', 'Max', 'Mul', 'Sum']);

/** Whether a tensor is known to have no negative value. */
export function isNonNegative(context: NodeContext, tensor: string, depth = DEPTH): boolean {
  const node = context.producerOf(tensor);
  if (node?.domain !== '' || depth === 0) return false;
  if (NEVER_NEGATIVE.has(node.op)) return true;
  if (node.op === 'Clip') return (clipBound(context, node, 0) ?? -1) >= 0;
  const before = (input: string) => isNonNegative(context, input, depth - 1);
  return (
    (SIGN_KEEPING.has(node.op) && before(node.inputs[0]!)) || (COMBINING.has(node.op) && node.inputs.every(before))
  );
}

/** A Clip's lower (0) or upper (1) bound, where it is a constant. */
function clipBound({ emit }: NodeContext, node: GraphNode, which: 0 | 1): number | undefined {
  if (emit.opset < 11) return node.attributes.float(which === 0 ? 'min' : 'max');
  const name = node.inputs[1 + which];
  return name ? constantValues(emit.graph, emit.facts, name)?.[0] : undefined;
}

/**
 * Which operand of a product is the signal, when the other is a gate: a squashed value that scales it (Sigmoid, Softmax,
 * then bounded Clip, Tanh, Erf), or else the smaller tensor. Undefined where neither is.
 */
export function signalOf(context: NodeContext): 0 | 1 | undefined {
  const [a, b] = context.node.inputs as readonly [string, string];
  const difference = gateRank(context, a) - gateRank(context, b);
  if (difference !== 0) return difference > 0 ? 1 : 0;
  const [sizeA, sizeB] = [a, b].map(name => sizeOf(context.value(name).dims.slice(1))) as [number, number];
  if (sizeA === sizeB) return undefined;
  return sizeA > sizeB ? 0 : 1;
}

/** Which operand of a matrix product is weighted by the other, a Softmax of the layer: attention's values. */
export function weightedOf(context: NodeContext): 0 | 1 | undefined {
  const [a, b] = context.node.inputs.map(name => gateRank(context, name) === GATES.Softmax) as [boolean, boolean];
  if (a === b) return undefined;
  return a ? 1 : 0;
}

const GATES: Readonly<Record<string, number>> = { Sigmoid: 2, HardSigmoid: 2, Softmax: 2, Clip: 1, Tanh: 1, Erf: 1 };

const MOVING: ReadonlySet<string> = new Set([
  ...['Cast', 'DequantizeLinear', 'Dropout', 'Expand', 'Flatten', 'Identity', 'QuantizeLinear', 'Reshape', 'Slice'],
  ...['Split', 'Squeeze', 'Transpose', 'Unsqueeze'],
]);

/** How sure it is that a tensor is a gate: 2 for Sigmoid and Softmax, 1 for other bounded functions, 0 for the rest. */
function gateRank(context: NodeContext, tensor: string, depth = DEPTH): number {
  const node = context.producerOf(tensor);
  if (node?.domain !== '' || depth === 0) return 0;
  if (node.op === 'Clip' && clipBound(context, node, 1) === undefined) return 0;
  const rank = named(GATES, node.op);
  if (rank !== undefined) return rank;
  if (MOVING.has(node.op)) return gateRank(context, node.inputs[0]!, depth - 1);
  if (!['Add', 'Div', 'Mul'].includes(node.op)) return 0;
  // A shift or a factor, as in (1 + tanh x)/2.
  const { graph, facts } = context.emit;
  const varying = node.inputs.filter(input => constantValues(graph, facts, input) === undefined);
  return varying.length === 1 ? gateRank(context, varying[0]!, depth - 1) : 0;
}
