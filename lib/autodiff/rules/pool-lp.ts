import { minusFrom, scale, step } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import { reduceSum } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { range, type Value } from '../value.ts';
import { reachOf, requireStaticWindow, windowOf } from './window.ts';

/**
 * y = (Σ |x|^p)^(1/p) over windows. From y the gradient goes to the sum as g·y^(1−p)/p, and as zero where y is zero (as a
 * whole window is behind a ReLU): there the derivative is infinite, and that of |x|^p zero.
 */
function lpRule(sums: (context: NodeContext, powers: Value) => Value): Rule {
  return {
    backward: context =>
      context.backThrough(() => {
        const { emit } = context;
        const p = context.node.attributes.int('p', 2);
        const [x, y] = [context.input(), context.output()];
        const magnitude = emit.unary('Abs', x);
        const powers =
          p === 1 ? magnitude : p === 2 ? emit.mul(x, x) : emit.binary('Pow', magnitude, emit.scalar(p, x));
        const sum = sums(context, powers);
        const g = context.gradient;
        if (p === 1) return [[sum, g]];
        const positive = step(emit, y);
        const base = emit.add(y, minusFrom(emit, 1, positive));
        const power = p === 2 ? base : emit.binary('Pow', base, emit.scalar(p - 1, base));
        return [[sum, emit.div(emit.mul(scale(emit, g, 1 / p), positive), power)]];
      }),
  };
}

export const spatialSums = ({ emit }: NodeContext, powers: Value): Value =>
  reduceSum(emit, powers, range(powers.dims.length - 2, 2));

/** Sums by a depthwise convolution with ones, whose padding at the end follows from the sizes (ceil_mode). */
export function windowSums(context: NodeContext, powers: Value): Value {
  const { emit } = context;
  const window = windowOf(context, context.node.attributes.ints('kernel_shape', []));
  requireStaticWindow(context, window);
  const { kernel, strides, dilations, padBegin, input, output, rank } = window;
  const channels = powers.dims[1]!;
  if (channels === -1) context.fail('the number of channels is dynamic');
  const end = range(rank).map(
    axis => (output[axis]! - 1) * strides[axis]! + reachOf(window, axis) + 1 - input[axis]! - padBegin[axis]!,
  );
  const ones = emit.constant(1, powers.type, [channels, 1, ...kernel]);
  const pads = [...padBegin, ...end.map(amount => Math.max(amount, 0))];
  const attributes = { group: channels, kernel_shape: kernel, strides, dilations, pads };
  return emit.node('Conv', [powers, ones], context.output(), attributes);
}

export const globalLpPool = lpRule(spatialSums);
export const lpPool = lpRule(windowSums);
