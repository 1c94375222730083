import type { NodeContext } from '../context.ts';
import { reduceSum } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { positiveAxis, range } from '../value.ts';

/** One axis since opset 13; all axes from `axis` on (default 1) before. */
function normalisedAxes(context: NodeContext): number[] {
  const rank = context.output().dims.length;
  const latest = context.emit.opset >= 13;
  const axis = positiveAxis(context.node.attributes.int('axis', latest ? -1 : 1), rank);
  return latest ? [axis] : range(rank - axis, axis);
}

/** t − y·Σt with t = g·y. */
export const softmax: Rule = {
  backward: context => {
    const { emit } = context;
    const y = context.output();
    const t = emit.mul(context.gradient, y);
    context.add(0, emit.sub(t, emit.mul(y, reduceSum(emit, t, normalisedAxes(context)))));
  },
};

/** g − exp(y)·Σg. */
export const logSoftmax: Rule = {
  backward: context => {
    const { emit } = context;
    const g = context.fullGradient;
    const total = reduceSum(emit, g, normalisedAxes(context));
    context.add(0, emit.sub(g, emit.mul(emit.unary('Exp', context.output()), total)));
  },
};
