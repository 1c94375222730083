import { scale, sign } from '../blocked.ts';
import { expand } from '../broadcast.ts';
import type { NodeContext } from '../context.ts';
import { reduceSum } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { positiveAxis, range, sizeOf, type Value } from '../value.ts';

/** Reduced axes of a Reduce node: an input since opset 13 (ReduceSum) or 18 (others), an attribute before. */
export function reducedAxes(context: NodeContext): number[] {
  const { node } = context;
  const rank = context.input().dims.length;
  let axes: readonly number[] | undefined = node.attributes.ints('axes');
  if (context.has(1)) axes = context.constantInput(1) ?? context.fail('its axes vary at run time');
  if (axes === undefined || axes.length === 0)
    return node.attributes.int('noop_with_empty_axes', 0) === 1 ? [] : range(rank);
  return axes.map(axis => positiveAxis(axis, rank));
}

/** A tensor of the output's shape with the reduced axes put back as size 1. */
function keepAxes(context: NodeContext, value: Value, axes: readonly number[]): Value {
  const { emit } = context;
  if (value.dims.length === context.input().dims.length) return value;
  // The rest keeps its order, so that a lazy gradient stays lazy.
  const dims: number[] = [];
  let next = 0;
  for (const axis of range(context.input().dims.length)) dims.push(axes.includes(axis) ? 1 : value.dims[next++]!);
  if (dims.filter(size => size === -1).length <= 1) return emit.reshape(value, dims);
  if (emit.opset >= 13) return emit.node('Unsqueeze', [value, emit.ints(axes)], { type: value.type, dims });
  return emit.node('Unsqueeze', [value], { type: value.type, dims }, { axes });
}

type Derivative = (parts: { context: NodeContext; g: Value; x: Value; y: Value; axes: readonly number[] }) => Value;

function reduceRule(derivative: Derivative): Rule {
  return {
    inputs: [0],
    backward: context => {
      const axes = reducedAxes(context);
      const g = keepAxes(context, context.gradient, axes);
      // Only rules that read y cost its reshape.
      const y = (): Value => keepAxes(context, context.output(), axes);
      context.add(
        0,
        derivative({
          context,
          g,
          x: context.input(),
          get y() {
            return y();
          },
          axes,
        }),
      );
    },
  };
}

export const reduceSumRule = reduceRule(({ g }) => g);

export const reduceMean = reduceRule(({ context, g, x, axes }) => {
  const count = sizeOf(axes.map(axis => x.dims[axis]!));
  if (count === -1) context.fail('it averages over a dynamic axis');
  return scale(context.emit, g, 1 / count);
});

/** g·e/Σe with e = [x = y]: ties share the gradient evenly, as PyTorch's amax. */
function extremeShare(context: NodeContext, g: Value, x: Value, y: Value, axes: readonly number[]): Value {
  const { emit } = context;
  const hits = emit.equal(x, y);
  return emit.mul(hits, emit.div(g, reduceSum(emit, hits, axes)));
}

export const reduceExtremum = reduceRule(({ context, g, x, y, axes }) => extremeShare(context, g, x, y, axes));

export const globalMaxPool: Rule = {
  backward: context => {
    const axes = range(context.input().dims.length - 2, 2);
    context.add(0, extremeShare(context, context.gradient, context.input(), context.output(), axes));
  },
};

/** x·g/y; 0 for a zero vector. */
export const reduceL2 = reduceRule(({ context: { emit }, g, x, y }) => {
  const safe = emit.opset >= 8 ? emit.binary('Max', y, emit.scalar(x.type === 'float16' ? 6e-8 : 1e-30, y)) : y;
  return emit.mul(x, emit.div(g, safe));
});

export const reduceL1 = reduceRule(({ context: { emit }, g, x }) => emit.mul(g, sign(emit, x)));

export const reduceSumSquare = reduceRule(({ context: { emit }, g, x }) => emit.mul(scale(emit, x, 2), g));

/** g·exp(x − y). */
export const reduceLogSumExp = reduceRule(({ context: { emit }, g, x, y }) =>
  emit.mul(g, emit.unary('Exp', emit.sub(x, y))),
);

/** g·exp(−y), the same for every element. */
export const reduceLogSum = reduceRule(({ context: { emit }, g, y }) => emit.mul(g, emit.unary('Exp', emit.neg(y))));

/** Running sums: the same in the other direction. */
export const cumSum: Rule = {
  inputs: [0],
  backward: context => {
    const { emit, node } = context;
    const axes = context.constantInput(1) ?? context.fail('its axis varies at run time');
    const axis = positiveAxis(axes[0]!, context.input().dims.length);
    const g = expand(emit, context.gradient, context.output());
    const attributes = {
      exclusive: node.attributes.int('exclusive', 0),
      reverse: 1 - node.attributes.int('reverse', 0),
    };
    context.add(0, emit.node('CumSum', [g, emit.constant(axis, 'int64')], g, attributes));
  },
};
