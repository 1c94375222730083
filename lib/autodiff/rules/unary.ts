import { minusFrom, plus, scale, sign } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import type { Rule } from '../rule.ts';
import type { Value } from '../value.ts';

/** Rule of an elementwise operator of input 0: `derivative` returns the gradient of x from those of y, g. */
export function elementwiseRule(
  derivative: (parts: { context: NodeContext; g: Value; x: Value; y: Value }) => Value,
): Rule {
  return {
    inputs: [0],
    backward: context =>
      context.add(0, derivative({ context, g: context.gradient, x: context.input(), y: context.output() })),
  };
}

export const neg = elementwiseRule(({ context: { emit }, g }) => emit.neg(g));

export const abs = elementwiseRule(({ context: { emit }, g, x }) => emit.mul(g, sign(emit, x)));

export const exp = elementwiseRule(({ context: { emit }, g, y }) => emit.mul(g, y));

export const log = elementwiseRule(({ context: { emit }, g, x }) => emit.div(g, x));

/** g / 2y. Infinite at 0, as the derivative is. */
export const sqrt = elementwiseRule(({ context: { emit }, g, y }) => emit.div(scale(emit, g, 0.5), y));

/** −g·y². */
export const reciprocal = elementwiseRule(({ context: { emit }, g, y }) => emit.neg(emit.mul(g, emit.mul(y, y))));

export const sin = elementwiseRule(({ context: { emit }, g, x }) => emit.mul(g, emit.unary('Cos', x)));

export const cos = elementwiseRule(({ context: { emit }, g, x }) => emit.neg(emit.mul(g, emit.unary('Sin', x))));

/** g · 2/√π · exp(−x²). */
export const erf = elementwiseRule(({ context: { emit }, g, x }) => {
  const bell = emit.unary('Exp', emit.neg(emit.mul(x, x)));
  return emit.mul(g, scale(emit, bell, 2 / Math.sqrt(Math.PI)));
});

/** g·(1 + y²). */
export const tan = elementwiseRule(({ context: { emit }, g, y }) => emit.mul(g, plus(emit, emit.mul(y, y), 1)));

/** g / √(1 − x²). */
export const asin = elementwiseRule(({ context: { emit }, g, x }) =>
  emit.div(g, emit.unary('Sqrt', minusFrom(emit, 1, emit.mul(x, x)))),
);

export const acos = elementwiseRule(({ context: { emit }, g, x }) =>
  emit.neg(emit.div(g, emit.unary('Sqrt', minusFrom(emit, 1, emit.mul(x, x))))),
);

export const atan = elementwiseRule(({ context: { emit }, g, x }) => emit.div(g, plus(emit, emit.mul(x, x), 1)));

/** cosh = √(1 + sinh²). */
export const sinh = elementwiseRule(({ context: { emit }, g, y }) =>
  emit.mul(g, emit.unary('Sqrt', plus(emit, emit.mul(y, y), 1))),
);

export const cosh = elementwiseRule(({ context: { emit }, g, x }) => emit.mul(g, emit.unary('Sinh', x)));

export const asinh = elementwiseRule(({ context: { emit }, g, x }) =>
  emit.div(g, emit.unary('Sqrt', plus(emit, emit.mul(x, x), 1))),
);

export const acosh = elementwiseRule(({ context: { emit }, g, x }) =>
  emit.div(g, emit.unary('Sqrt', plus(emit, emit.mul(x, x), -1))),
);

export const atanh = elementwiseRule(({ context: { emit }, g, x }) => emit.div(g, minusFrom(emit, 1, emit.mul(x, x))));
