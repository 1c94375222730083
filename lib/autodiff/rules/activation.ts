import { float } from '../../model/graph/attributes.ts';
import { MASK_SLOPE, minusFrom, plus, scale, step } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import type { Emitter } from '../emitter.ts';
import type { Rule } from '../rule.ts';
import type { Value } from '../value.ts';
import { elementwiseRule } from './unary.ts';

// Formulas in the output y where possible: reading the input would keep the runtime from fusing the activation into
// the convolution before it.

export const relu = elementwiseRule(({ context: { emit }, g, y }) => emit.mul(g, step(emit, y)));

/** g·y·(1 − y). */
export const sigmoid = elementwiseRule(({ context: { emit }, g, y }) =>
  emit.mul(g, emit.mul(y, minusFrom(emit, 1, y))),
);

/** g·(1 − y²). */
export const tanh = elementwiseRule(({ context: { emit }, g, y }) => emit.mul(g, minusFrom(emit, 1, emit.mul(y, y))));

/** α·g·[0 < y < 1]. Masks that an earlier pass emitted are constants. */
export const hardSigmoid: Rule = {
  ...elementwiseRule(({ context: { emit, node }, g, y }) => {
    const inside = step(emit, emit.mul(y, minusFrom(emit, 1, y)));
    return scale(emit, emit.mul(g, inside), node.attributes.float('alpha', 0.2));
  }),
  isConstant: node => Math.abs(node.attributes.float('alpha', 0.2)) >= MASK_SLOPE,
};

/** g·(h(x) + x/6·[|x| < 3]) with h(x) = max(0, min(1, x/6 + 1/2)). */
export const hardSwish = elementwiseRule(({ context: { emit }, g, x }) => {
  const gate = emit.unary('HardSigmoid', x, { alpha: float(1 / 6), beta: float(0.5) });
  return emit.mul(g, emit.add(gate, emit.mul(scale(emit, x, 1 / 6), insideThree(emit, x))));
});

/** [|x| < 3]: a steep line through x² = 9 where the type has the exponents for it. */
function insideThree(emit: Emitter, x: Value): Value {
  const square = emit.mul(x, x);
  if (x.type === 'float32' || x.type === 'float64')
    return emit.unary('HardSigmoid', square, { alpha: float(-1e6), beta: float(9e6) });
  return emit.greater(emit.scalar(9, x), square);
}

/** Bounds of a Clip: inputs since opset 11, attributes before; `undefined` where they vary at run time. */
function clipBounds(context: NodeContext): { low: number | undefined; high: number | undefined } {
  const { node } = context;
  if (context.emit.opset < 11)
    return {
      low: node.attributes.float('min', Number.NEGATIVE_INFINITY),
      high: node.attributes.float('max', Number.POSITIVE_INFINITY),
    };
  const bound = (position: number, open: number) => (context.has(position) ? context.constantNumber(position) : open);
  return { low: bound(1, Number.NEGATIVE_INFINITY), high: bound(2, Number.POSITIVE_INFINITY) };
}

/** g·[low < y < high]; strictly inside, as PyTorch's hardtanh. */
export const clip = elementwiseRule(({ context, g, x, y }) => {
  const { emit } = context;
  const { low, high } = clipBounds(context);
  if (low === undefined || high === undefined) return emit.mul(g, emit.equal(x, y));
  if (low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY) return g;
  if (high === Number.POSITIVE_INFINITY) return emit.mul(g, step(emit, plus(emit, y, -low)));
  if (low === Number.NEGATIVE_INFINITY) return emit.mul(g, step(emit, minusFrom(emit, high, y)));
  // One step of a product instead of two comparisons: positive inside, zero on the bounds, never negative.
  return emit.mul(g, step(emit, emit.mul(plus(emit, y, -low), minusFrom(emit, high, y))));
});

/** g·([x > threshold]·(above − below) + below). */
const twoSlopes = (emit: Emitter, g: Value, x: Value, above: number, below: number): Value =>
  emit.mul(g, plus(emit, scale(emit, step(emit, x), above - below), below));

export const leakyRelu = elementwiseRule(({ context: { emit, node }, g, x }) =>
  twoSlopes(emit, g, x, 1, node.attributes.float('alpha', 0.01)),
);

export const thresholdedRelu = elementwiseRule(({ context: { emit, node }, g, x }) =>
  emit.mul(g, step(emit, plus(emit, x, -node.attributes.float('alpha', 1)))),
);

/** x: g·([x > 0]·(1 − slope) + slope); slope: g·min(x, 0). */
export const pRelu: Rule = {
  backward: context => {
    const { emit, gradient: g } = context;
    const [x, slope] = [context.input(0), context.input(1)];
    if (context.wants(0)) {
      const positive = step(emit, x);
      const factor = emit.add(emit.mul(positive, minusFrom(emit, 1, slope)), slope);
      context.add(0, emit.mul(g, factor));
    }
    if (context.wants(1)) context.addBroadcast(1, emit.mul(g, atMostZero(emit, x)));
  },
};

/** min(x, 0), in opset 7 as well. */
const atMostZero = (emit: Emitter, x: Value): Value => emit.neg(emit.unary('Relu', emit.neg(x)));

/** Positive side slope a; negative side a·α·eˣ = min(y, 0) + a·α. */
function exponentialSlopes(emit: Emitter, g: Value, x: Value, y: Value, gain: number, alpha: number): Value {
  const below = plus(emit, atMostZero(emit, y), gain * alpha);
  const positive = step(emit, x);
  return emit.mul(g, emit.add(emit.mul(positive, minusFrom(emit, gain, below)), below));
}

export const elu = elementwiseRule(({ context: { emit, node }, g, x, y }) =>
  exponentialSlopes(emit, g, x, y, 1, node.attributes.float('alpha', 1)),
);

export const selu = elementwiseRule(({ context: { emit, node }, g, x, y }) =>
  exponentialSlopes(
    emit,
    g,
    x,
    y,
    node.attributes.float('gamma', 1.0507009873554805),
    node.attributes.float('alpha', 1.6732632423543772),
  ),
);

/** 1 above zero, exp(x/α) below: exp(min(x, 0)/α) is both. */
export const celu = elementwiseRule(({ context: { emit, node }, g, x }) =>
  emit.mul(g, emit.unary('Exp', scale(emit, atMostZero(emit, x), 1 / node.attributes.float('alpha', 1)))),
);

export const softplus = elementwiseRule(({ context: { emit }, g, x }) => emit.mul(g, emit.unary('Sigmoid', x)));

/** g / (1 + |x|)². */
export const softsign = elementwiseRule(({ context: { emit }, g, x }) => {
  const base = plus(emit, emit.unary('Abs', x), 1);
  return emit.div(g, emit.mul(base, base));
});

/** t + x·σ(x)·(1 − t²) with t = tanh(softplus(x)). */
export const mish = elementwiseRule(({ context: { emit }, g, x }) => {
  const t = emit.unary('Tanh', emit.unary('Softplus', x));
  const slope = emit.mul(emit.mul(x, emit.unary('Sigmoid', x)), minusFrom(emit, 1, emit.mul(t, t)));
  return emit.mul(g, emit.add(t, slope));
});

/** x·σ(αx) (Swish, opset 24): σ + α·y·(1 − σ). */
export const swish = elementwiseRule(({ context: { emit, node }, g, x, y }) => {
  const alpha = node.attributes.float('alpha', 1);
  return siluGradient(emit, g, emit.unary('Sigmoid', scale(emit, x, alpha)), scale(emit, y, alpha));
});

/** g·(s + y·(1 − s)) for y = x·s, s = σ(x). */
export const siluGradient = (emit: Emitter, g: Value, s: Value, y: Value): Value =>
  emit.mul(g, emit.add(s, emit.mul(y, minusFrom(emit, 1, s))));

/** g·(Φ(x) + x·φ(x)), or the derivative of the tanh polynomial. */
export const gelu = elementwiseRule(({ context: { emit, node }, g, x }) => {
  if (node.attributes.string('approximate', 'none') === 'tanh') return emit.mul(g, tanhGeluSlope(emit, x));
  const scaled = scale(emit, x, Math.SQRT1_2);
  return emit.mul(g, geluSlope(emit, x, scaled, plus(emit, emit.unary('Erf', scaled), 1)));
});

/** ½·(1 + erf(u)) + x·exp(−u²)/√(2π) with u = x/√2; the factor of the density is a term of its exponent. */
export function geluSlope(emit: Emitter, x: Value, scaled: Value, onePlusErf: Value): Value {
  const density = emit.unary('Exp', minusFrom(emit, -Math.log(2 * Math.PI) / 2, emit.mul(scaled, scaled)));
  return emit.add(scale(emit, onePlusErf, 0.5), emit.mul(x, density));
}

/** y = ½x(1 + t), t = tanh(u), u = √(2/π)(x + 0.044715x³): ½(1 + t) + ½x(1 − t²)·u′. */
function tanhGeluSlope(emit: Emitter, x: Value): Value {
  const root = Math.sqrt(2 / Math.PI);
  const square = emit.mul(x, x);
  const inner = emit.mul(x, plus(emit, scale(emit, square, root * 0.044715), root));
  const t = emit.unary('Tanh', inner);
  const innerSlope = plus(emit, scale(emit, square, 3 * root * 0.044715), root);
  const slope = emit.mul(emit.mul(x, minusFrom(emit, 1, emit.mul(t, t))), innerSlope);
  return scale(emit, plus(emit, emit.add(t, slope), 1), 0.5);
}

/** Shrink: g outside ±λ. */
export const shrink = elementwiseRule(({ context: { emit, node }, g, x }) => {
  const threshold = node.attributes.float('lambd', 0.5);
  const above = step(emit, plus(emit, x, -threshold));
  return emit.mul(g, emit.add(above, step(emit, minusFrom(emit, -threshold, x))));
});
