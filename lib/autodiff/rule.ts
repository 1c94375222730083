import type { GraphNode } from '../model/graph/graph.ts';
import type { NodeContext } from './context.ts';
import type { Value } from './value.ts';

/** How gradients pass backwards through one operator. */
export interface Rule {
  /** Positions of the inputs that gradients flow to; all of them by default. Others (shapes, indices) are constants. */
  readonly inputs?: readonly number[];
  /** True for a node whose derivative is zero everywhere, such as a mask that an earlier pass emitted. */
  readonly isConstant?: (node: GraphNode) => boolean;
  /** Reads the gradients of the outputs from the context, emits nodes, hands gradients of the wanted inputs back. */
  readonly backward: (context: NodeContext) => void;
  /**
   * Handles an output gradient that is one-hot in the class axis, still given by its indices; false if it cannot, in
   * which case the gradient is written out and `backward` is called.
   */
  readonly backwardIndex?: (context: NodeContext) => boolean;
  /** Of an operator that others can express (rules/decomposed.ts). */
  readonly form?: Form;
}

/** A node written with other operators. */
export interface Form {
  /** Emits nodes that make the outputs once more; undefined for one that nothing depends on. */
  readonly forward: (context: NodeContext) => Value | readonly (Value | undefined)[];
  /** Inputs as `forward` sees them. */
  readonly seen?: (context: NodeContext) => (input: Value) => Value;
  /** The gradient of an output, in the form in which `forward` makes it. */
  readonly gradient?: (context: NodeContext, position: number) => Value | undefined;
}

/** Operator to rule: `Conv` for the default domain, `com.microsoft:Gelu` for another. */
export type RuleSet = ReadonlyMap<string, Rule>;

export const operatorOf = (node: GraphNode): string => (node.domain ? `${node.domain}:${node.op}` : node.op);
