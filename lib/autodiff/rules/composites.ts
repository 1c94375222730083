import { constantValues } from '../../model/graph/constant-chain.ts';
import type { GraphNode } from '../../model/graph/graph.ts';
import type { Pattern, PatternView } from '../patterns.ts';
import { geluSlope, siluGradient } from './activation.ts';

/** y = x·σ(x), as exporters write SiLU: 4 nodes instead of 7. */
export const silu: Pattern = {
  match: (root, { graph }) => {
    if (!isOp(root, 'Mul')) return undefined;
    for (const [gate, x] of bothWays(root.inputs)) {
      const sigmoid = graph.producer(gate);
      if (!isOp(sigmoid, 'Sigmoid') || sigmoid.inputs[0] !== x) continue;
      return {
        input: x,
        inner: [sigmoid],
        backward: context => {
          const gradient = siluGradient(context.emit, context.gradient, context.value(gate), context.output());
          context.addTo(x, gradient);
        },
      };
    }
    return undefined;
  },
};

/**
 * y = ½·x·(1 + erf(x/√2)) in the orders in which exporters multiply its three factors. The forward tensors 1 + erf and
 * x/√2 are used again.
 */
export const gelu: Pattern = {
  match: (root, view) => {
    if (!isOp(root, 'Mul')) return undefined;
    // The factors of the product, with the Mul nodes that join them.
    for (const [joined, single] of bothWays(root.inputs)) {
      const inner = view.graph.producer(joined);
      if (!isOp(inner, 'Mul')) continue;
      const factors = [single, ...inner.inputs];
      const gate = factors.map(factor => gaussianGate(factor, view)).find(found => found !== undefined);
      if (!gate || !factors.includes(gate.x)) continue;
      const half = factors.find(factor => factor !== gate.onePlusErf && factor !== gate.x);
      if (half === undefined || !isNumber(view, half, 0.5)) continue;
      return {
        input: gate.x,
        inner: [inner, ...gate.nodes],
        backward: context => {
          const [x, scaled, onePlusErf] = [gate.x, gate.scaled, gate.onePlusErf].map(name => context.value(name));
          context.addTo(gate.x, context.emit.mul(context.gradient, geluSlope(context.emit, x!, scaled!, onePlusErf!)));
        },
      };
    }
    return undefined;
  },
};

interface Gate {
  readonly x: string;
  /** x/√2 */
  readonly scaled: string;
  readonly onePlusErf: string;
  readonly nodes: readonly GraphNode[];
}

/** 1 + erf(x/√2), the division written either way. */
function gaussianGate(tensor: string, view: PatternView): Gate | undefined {
  const add = view.graph.producer(tensor);
  if (!isOp(add, 'Add')) return undefined;
  for (const [erfOutput, one] of bothWays(add.inputs)) {
    const erf = view.graph.producer(erfOutput);
    if (!isOp(erf, 'Erf') || !isNumber(view, one, 1)) continue;
    const scale = view.graph.producer(erf.inputs[0]!);
    if (isOp(scale, 'Div') && isNumber(view, scale.inputs[1]!, Math.SQRT2))
      return { x: scale.inputs[0]!, scaled: erf.inputs[0]!, onePlusErf: tensor, nodes: [add, erf, scale] };
    if (!isOp(scale, 'Mul')) continue;
    for (const [x, factor] of bothWays(scale.inputs))
      if (isNumber(view, factor, Math.SQRT1_2))
        return { x, scaled: erf.inputs[0]!, onePlusErf: tensor, nodes: [add, erf, scale] };
  }
  return undefined;
}

const isOp = (node: GraphNode | undefined, op: string): node is GraphNode => node?.op === op && node.domain === '';

const bothWays = ([a, b]: readonly string[]): [string, string][] => [
  [a!, b!],
  [b!, a!],
];

/** True for a constant of this value, to float16's precision. */
function isNumber({ graph, facts }: PatternView, tensor: string, value: number): boolean {
  const values = constantValues(graph, facts, tensor);
  return values?.length === 1 && Math.abs(values[0]! - value) < 1e-3 * value;
}
