import type { GraphNode } from '../model/graph/graph.ts';
import type { NodeContext } from './context.ts';

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
}

/** Operator to rule: `Conv` for the default domain, `com.microsoft:Gelu` for another. */
export type RuleSet = ReadonlyMap<string, Rule>;

export const operatorOf = (node: GraphNode): string => (node.domain ? `${node.domain}:${node.op}` : node.op);
