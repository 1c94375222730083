import { minusFrom, scale, step } from '../blocked.ts';
import { expand } from '../broadcast.ts';
import type { Emitter } from '../emitter.ts';
import { reduceSum } from '../forms.ts';
import type { ReferenceRun } from '../reference.ts';
import type { Rule } from '../rule.ts';
import { gradientRules } from '../rules/index.ts';
import { reducedAxes } from '../rules/reduce.ts';
import type { Value } from '../value.ts';
import { logarithmicMean } from './deep-lift-normalization.ts';
import { bothRuns, meanOf, referenceOf } from './deep-lift-runs.ts';

// Quotients, roots and logarithms, written so that no rounding of a small difference spoils them.

/** a/b = a·(1/b): ½(1/b + 1/b′) for a, −½(a + a′)/(b·b′) for b. */
export function quotient(reference: ReferenceRun): Rule {
  const linear = gradientRules.get('Div')!;
  return {
    backward: context => {
      if (!context.wants(1)) return linear.backward(context);
      const { emit, gradient: g } = context;
      const b = context.input(1);
      const b0 = referenceOf(context, reference, context.node.inputs[1]!);
      if (context.wants(0)) {
        const halves = emit.add(emit.div(scale(emit, g, 0.5), b), emit.div(scale(emit, g, 0.5), b0));
        context.addBroadcast(0, halves);
      }
      const a = context.wants(0) ? meanOf(context, reference, context.node.inputs[0]!) : context.input(0);
      context.addBroadcast(1, emit.neg(emit.div(emit.mul(g, a), emit.mul(b, b0))));
    },
  };
}

/** −g/(x·x′), which no rounding of Δx spoils. */
export function reciprocal(reference: ReferenceRun): Rule {
  return {
    inputs: [0],
    backward: context => {
      const { emit, gradient: g } = context;
      const { y, y0 } = bothRuns(context, reference);
      context.add(0, emit.neg(emit.mul(g, emit.mul(y, y0))));
    },
  };
}

/** g/(y + y′); 0 where both are zero. */
export function sqrt(reference: ReferenceRun): Rule {
  return {
    inputs: [0],
    backward: context => {
      const { y, y0 } = bothRuns(context, reference);
      context.add(0, overSum(context.emit, context.gradient, y, y0));
    },
  };
}

/** g·(x + x′)/(y + y′) for the root of a sum of squares. */
export function reduceL2(reference: ReferenceRun): Rule {
  const squares = gradientRules.get('ReduceSumSquare')!;
  return {
    inputs: [0],
    backward: context => {
      const { y, y0 } = bothRuns(context, reference);
      const g = overSum(context.emit, context.gradient, y, y0);
      const values = new Map([[context.node.inputs[0]!, meanOf(context, reference, context.node.inputs[0]!)]]);
      squares.backward(context.with([g], (tensor, m) => context.addTo(tensor, m), { values }));
    },
  };
}

/** g/(y + y′) of roots; 0 where both are zero. */
function overSum(emit: Emitter, g: Value, y: Value, y0: Value): Value {
  const sum = emit.add(y, y0);
  const positive = step(emit, sum);
  return emit.div(emit.mul(g, positive), emit.add(sum, minusFrom(emit, 1, positive)));
}

/** g·q with q = L/ΣL for the logarithmic mean L of both runs' softmax. */
export function reduceLogSumExp(reference: ReferenceRun): Rule {
  return {
    inputs: [0],
    backward: context => {
      const { emit, gradient: g } = context;
      const { x, y, x0, y0 } = bothRuns(context, reference);
      const axes = reducedAxes(context);
      const kept = x.dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
      const whole = (value: Value) => emit.reshape(value, kept);
      const [l, l0] = [emit.sub(x, whole(y)), emit.sub(x0, whole({ ...y0, dims: y.dims }))];
      const mean = logarithmicMean(emit, [emit.unary('Exp', l), emit.unary('Exp', l0)], [l, l0]);
      context.add(0, emit.mul(whole(expand(emit, g, y)), emit.div(mean, reduceSum(emit, mean, axes))));
    },
  };
}
