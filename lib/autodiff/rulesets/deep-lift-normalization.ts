import { minusFrom, plus, scale, step } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import type { Emitter } from '../emitter.ts';
import { reduce, reduceSum } from '../forms.ts';
import type { ReferenceRun } from '../reference.ts';
import type { Rule } from '../rule.ts';
import { positiveAxis, range, type Value } from '../value.ts';

/** Operators that couple their elements. DeepLIFT's paper has no rules for them; these keep Σ m·Δx = Σ g·Δy. */

/** Of Softmax and LogSoftmax: the axes that are summed over, all from `axis` on before opset 13. */
function axesOf(context: NodeContext): number[] {
  const { emit, node } = context;
  const rank = context.input().dims.length;
  const axis = positiveAxis(node.attributes.int('axis', emit.opset >= 13 ? -1 : 1), rank);
  return emit.opset >= 13 ? [axis] : range(rank - axis, axis);
}

/**
 * Logarithmic mean of both runs' probabilities, Δp/Δ(log p), which lies between them: Δp_i = L_i·(Δx_i − Δlse) and
 * Σ Δp = 0 give Δlse = Σ L·Δx / Σ L.
 */
export function logarithmicMean(
  emit: Emitter,
  [p, p0]: readonly [Value, Value],
  [l, l0]: readonly [Value, Value],
): Value {
  const difference = emit.sub(l, l0);
  // Where both are nearly the same their quotient is all rounding, and the mean is as good.
  const far = step(emit, plus(emit, emit.unary('Abs', difference), -1e-3));
  const near = minusFrom(emit, 1, far);
  const quotient = emit.div(emit.mul(far, emit.sub(p, p0)), emit.add(difference, near));
  return emit.add(quotient, emit.mul(near, scale(emit, emit.add(p, p0), 0.5)));
}

/** The gradient of Softmax, t − q·Σt with t = g·L and q = L/ΣL, at the logarithmic mean of the probabilities. */
export function softmax(reference: ReferenceRun): Rule {
  return {
    inputs: [0],
    backward: context => {
      const { emit, node } = context;
      const attributes = Object.fromEntries(node.attributes.protos.map(proto => [proto.name, proto]));
      const logOf = (x: Value) => emit.node('LogSoftmax', [x], x, attributes);
      const [x0, y0] = referenceValues(context, reference);
      const mean = logarithmicMean(emit, [context.output(), y0], [logOf(context.input()), logOf(x0)]);
      const axes = axesOf(context);
      const t = emit.mul(context.gradient, mean);
      const q = emit.div(mean, reduceSum(emit, mean, axes));
      context.add(0, emit.sub(t, emit.mul(q, reduceSum(emit, t, axes))));
    },
  };
}

/** g − q·Σg. */
export function logSoftmax(reference: ReferenceRun): Rule {
  return {
    inputs: [0],
    backward: context => {
      const { emit, fullGradient: g } = context;
      const [, y0] = referenceValues(context, reference);
      const y = context.output();
      const exp = (value: Value) => emit.unary('Exp', value);
      const mean = logarithmicMean(emit, [exp(y), exp(y0)], [y, y0]);
      const axes = axesOf(context);
      const q = emit.div(mean, reduceSum(emit, mean, axes));
      context.add(0, emit.sub(g, emit.mul(q, reduceSum(emit, g, axes))));
    },
  };
}

/**
 * x̂ = c·r with c = x − mean x, r = 1/s, s = √(mean c² + ε), taken apart: products at the mean of both runs (bars),
 * Δr/Δ(s²) = −1/(s·s′·(s + s′)). For d = g·γ: m_c = d·r̄ − 2·c̄·mean(d·c̄)/(s·s′·(s + s′)), m_x = m_c − mean m_c.
 */
export function layerNormalization(reference: ReferenceRun): Rule {
  return {
    inputs: [0],
    backward: context => {
      const { emit, node } = context;
      if (context.gradientOf(1) || context.gradientOf(2)) context.fail('its statistics are used');
      const x = context.input();
      const [x0] = referenceValues(context, reference);
      const axis = positiveAxis(node.attributes.int('axis', -1), x.dims.length);
      const axes = range(x.dims.length - axis, axis);
      const mean = (value: Value) => reduce(emit, 'ReduceMean', value, axes);
      const centred = (value: Value) => emit.sub(value, mean(value));
      const deviation = (c: Value) =>
        emit.unary('Sqrt', plus(emit, mean(emit.mul(c, c)), node.attributes.float('epsilon', 1e-5)));
      const [c, c0] = [centred(x), centred(x0)];
      const [s, s0] = [deviation(c), deviation(c0)];
      const [sum, product] = [emit.add(s, s0), emit.mul(s, s0)];
      const meanC = scale(emit, emit.add(c, c0), 0.5);
      // ½(1/s + 1/s′) = (s + s′)/(2·s·s′)
      const meanR = emit.div(scale(emit, sum, 0.5), product);
      const d = emit.mul(context.fullGradient, context.input(1));
      const spread = emit.div(scale(emit, mean(emit.mul(d, meanC)), 2), emit.mul(product, sum));
      context.add(0, centred(emit.sub(emit.mul(d, meanR), emit.mul(meanC, spread))));
    },
  };
}

function referenceValues(context: NodeContext, reference: ReferenceRun): [x: Value, y: Value] {
  const { inputs, outputs } = context.node;
  const [x, y] = [reference.value(inputs[0]!), reference.value(outputs[0]!)];
  return x && y ? [x, y] : context.fail('it is not behind the layer');
}
