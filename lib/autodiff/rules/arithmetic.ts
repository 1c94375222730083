import { isBlocked, minusFrom, scale, scaleChannels } from '../blocked.ts';
import { unbroadcast } from '../broadcast.ts';
import type { NodeContext } from '../context.ts';
import type { Emitter } from '../emitter.ts';
import type { Rule } from '../rule.ts';
import { sameDims, type Value } from '../value.ts';

/** A one-hot gradient passes a sum unchanged where the input has the sum's shape (a classifier's bias). */
function passIndex(context: NodeContext): boolean {
  const { dims } = context.output();
  const wanted = context.node.inputs.map((_, position) => position).filter(position => context.wants(position));
  if (!wanted.every(position => sameDims(context.input(position).dims, dims))) return false;
  for (const position of wanted) context.addIndex(position, context.index!);
  return true;
}

/** Add and Sum: g to every input. */
export const sum: Rule = {
  backward: context => {
    for (const position of context.node.inputs.keys()) context.addBroadcast(position, context.gradient);
  },
  backwardIndex: passIndex,
};

export const sub: Rule = {
  backward: context => {
    context.addBroadcast(0, context.gradient);
    if (context.wants(1)) {
      const { emit, gradient } = context;
      // The sign is turned after the sum over broadcast axes, where the tensor is small.
      context.add(1, emit.neg(unbroadcast(emit, gradient, context.output(), context.input(1))));
    }
  },
};

/** Mean of several tensors: g / n to each. */
export const mean: Rule = {
  backward: context => {
    const share = scale(context.emit, context.gradient, 1 / context.node.inputs.length);
    for (const position of context.node.inputs.keys()) context.addBroadcast(position, share);
  },
};

export const mul: Rule = {
  backward: context => {
    const { emit, gradient: g, node } = context;
    const [a, b] = [context.input(0), context.input(1)];
    if (node.inputs[0] === node.inputs[1]) return context.add(0, emit.mul(scale(emit, g, 2), a));
    if (context.wants(0)) context.addBroadcast(0, times(emit, g, b));
    if (context.wants(1)) context.addBroadcast(1, times(emit, g, a));
  },
};

/** g·factor; weights of one number per channel (layer scale) leave a gradient in its blocks. */
function times(emit: Emitter, g: Value, factor: Value): Value {
  const channels = factor.dims.at(-3);
  const perChannel =
    factor.dims.every((size, axis) => size === 1 || axis === factor.dims.length - 3) && channels === g.dims[1];
  const constant = emit.graph.initializers.has(factor.name);
  return perChannel && constant && isBlocked(emit, g) ? scaleChannels(emit, g, factor) : emit.mul(g, factor);
}

/** a: g/b; b: −(g/b)·y. */
export const div: Rule = {
  backward: context => {
    const { emit } = context;
    const quotient = emit.div(context.gradient, context.input(1));
    context.addBroadcast(0, quotient);
    if (context.wants(1)) context.addBroadcast(1, emit.neg(emit.mul(quotient, context.output())));
  },
};

/** Max and Min of several tensors: g where the input is the result; a tie counts for every input. */
export const extremum: Rule = {
  backward: context => {
    const { emit, gradient: g } = context;
    for (const position of context.node.inputs.keys())
      if (context.wants(position))
        context.addBroadcast(position, emit.mul(g, emit.equal(context.input(position), context.output())));
  },
};

/** x: p·x^(p−1); exponent: y·log(x). Whole exponents 2 and 3 by multiplication. */
export const pow: Rule = {
  backward: context => {
    const { emit, gradient: g } = context;
    const [x, exponent, y] = [context.input(0), context.input(1), context.output()];
    if (context.wants(0)) context.addBroadcast(0, emit.mul(g, powSlope(context, x, exponent)));
    if (context.wants(1)) {
      const slope = emit.mul(g, emit.mul(y, emit.unary('Log', x)));
      context.addBroadcast(1, slope);
    }
  },
};

function powSlope(context: NodeContext, x: Value, exponent: Value): Value {
  const { emit } = context;
  const power = context.constantNumber(1);
  if (power === 2) return scale(emit, x, 2);
  if (power === 3) return scale(emit, emit.mul(x, x), 3);
  if (power !== undefined) return scale(emit, emit.binary('Pow', x, emit.scalar(power - 1, x)), power);
  const typed = emit.cast(exponent, x.type);
  return emit.mul(typed, emit.binary('Pow', x, emit.sub(typed, emit.scalar(1, x))));
}

/**
 * Where(c, a, b): g·[c] and g·(1 − [c]); multiplied, because Where is slow for conditions that differ from element to element. One
 * condition alone chooses a branch, whose derivatives may be anything if it is not taken: zero instead of a product with zero.
 */
export const where: Rule = {
  inputs: [1, 2],
  backward: context => {
    const { emit, gradient: g } = context;
    const condition = context.input(0);
    if (condition.dims.length === 0) {
      const zero = emit.scalar(0, g);
      if (context.wants(1)) context.addBroadcast(1, emit.node('Where', [condition, g, zero], g));
      if (context.wants(2)) context.addBroadcast(2, emit.node('Where', [condition, zero, g], g));
      return;
    }
    const chosen = emit.cast(context.input(0), g.type);
    if (context.wants(1)) context.addBroadcast(1, emit.mul(g, chosen));
    if (context.wants(2)) context.addBroadcast(2, emit.mul(g, minusFrom(emit, 1, chosen)));
  },
};

/** Back to the type of the input; integer targets are off the path. */
export const cast: Rule = {
  inputs: [0],
  backward: context => context.add(0, context.emit.cast(context.gradient, context.input().type)),
  backwardIndex: context => {
    context.addIndex(0, context.index!);
    return true;
  },
};

export const identity: Rule = {
  inputs: [0],
  backward: context => context.add(0, context.gradient),
  backwardIndex: context => {
    context.addIndex(0, context.index!);
    return true;
  },
};

/** At inference the identity. */
export const dropout: Rule = {
  ...identity,
  backward: context => {
    if (context.has(2) && context.constantNumber(2) !== 0) context.fail('it is in training mode');
    identity.backward(context);
  },
};

/** Remainder y of a / b: g; b: −g·(a − y)/b, the whole part of the quotient. */
export const mod: Rule = {
  backward: context => {
    const { emit, gradient: g } = context;
    context.addBroadcast(0, g);
    if (!context.wants(1)) return;
    const [a, b, y] = [context.input(0), context.input(1), context.output()];
    context.addBroadcast(1, emit.neg(emit.mul(g, emit.div(emit.sub(a, y), b))));
  },
};
