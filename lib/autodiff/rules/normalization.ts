import { float } from '../../model/graph/attributes.ts';
import { minusFrom, plus, scale, scaleChannels, step } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import type { Emitter } from '../emitter.ts';
import { reduce } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { positiveAxis, range, type Value } from '../value.ts';
import { decomposed } from './decomposed.ts';

/** Inference form: g·γ/√(v + ε) per channel; the runtime folds the factor when it loads the graph. */
export const batchNormalization: Rule = {
  inputs: [0],
  backward: context => {
    const { emit, node } = context;
    const legacyTraining = emit.opset < 14 && node.outputs.slice(1).some(output => output !== '');
    if (node.attributes.int('training_mode', 0) === 1 || legacyTraining) context.fail('it is in training mode');
    if (node.attributes.int('spatial', 1) === 0) context.fail('spatial = 0 is not supported');
    const [scale, variance] = [context.input(1), context.input(4)];
    const deviation = emit.unary('Sqrt', plus(emit, variance, node.attributes.float('epsilon', 1e-5)));
    const factor = emit.cast(emit.div(scale, emit.cast(deviation, scale.type)), context.gradient.type);
    context.add(0, scaleChannels(emit, context.gradient, factor));
  },
};

/** (d − mean d − x̂·mean(d·x̂))·r with d the gradient of x̂ and r = 1/σ, means over the normalised axes. */
function normalizationGradient(
  e: Emitter,
  d: Value,
  xHat: Value,
  inverseDeviation: Value,
  axes: readonly number[],
): Value {
  const projection = e.mul(xHat, reduce(e, 'ReduceMean', e.mul(d, xHat), axes));
  return e.mul(e.sub(e.sub(d, reduce(e, 'ReduceMean', d, axes)), projection), inverseDeviation);
}

/**
 * x̂ and 1/σ come from the operator's own statistics (dividing y by γ would fail where γ is 0). The outputs Mean
 * and InvStdDev, which a second differentiation reaches, have gradients of their own: g/D and −g·r²·x̂/D.
 */
export const layerNormalization: Rule = {
  backward: context => {
    const { emit, node } = context;
    const x = context.input();
    const axis = positiveAxis(node.attributes.int('axis', -1), x.dims.length);
    const axes = range(x.dims.length - axis, axis);
    const { xHat, inverse } = normalizedLayer(context, axis);
    const g = context.gradientOf(0);
    if (g) {
      if (context.wants(1)) context.addBroadcast(1, emit.mul(context.fullGradient, xHat));
      if (context.wants(2)) context.addBroadcast(2, context.fullGradient);
    }
    if (!context.wants(0)) return;
    const typedInverse = emit.cast(inverse, x.type);
    if (g) {
      const d = emit.mul(context.fullGradient, context.input(1));
      context.add(0, normalizationGradient(emit, d, xHat, typedInverse, axes));
    }
    const count = axes.reduce((product, index) => product * x.dims[index]!, 1);
    const mean = context.gradientOf(1);
    if (mean) context.add(0, scale(emit, emit.cast(mean, x.type), 1 / count));
    const spread = context.gradientOf(2);
    if (spread) {
      const factor = scale(emit, emit.mul(emit.cast(spread, x.type), emit.mul(typedInverse, typedInverse)), -1 / count);
      context.add(0, emit.mul(factor, xHat));
    }
  },
};

/** (x − mean)·r, where the forward node gives mean and r as further outputs. */
function normalizedLayer(context: NodeContext, axis: number): { xHat: Value; inverse: Value } {
  const { emit, node } = context;
  const x = context.input();
  const dims = x.dims.map((size, index) => (index >= axis ? 1 : size));
  // Of float64 the operator gives its statistics in float32 all the same.
  if (x.type === 'float64') {
    const axes = range(x.dims.length - axis, axis);
    const centred = emit.sub(x, reduce(emit, 'ReduceMean', x, axes));
    const variance = reduce(emit, 'ReduceMean', emit.mul(centred, centred), axes);
    const deviation = emit.unary('Sqrt', plus(emit, variance, node.attributes.float('epsilon', 1e-5)));
    const inverse = emit.unary('Reciprocal', deviation);
    return { xHat: emit.mul(centred, inverse), inverse };
  }
  if (x.type === 'float32') {
    const statistics = { type: x.type, dims };
    const [, mean, inverse] = emit.withOutputs(node, [x, statistics, statistics]);
    return { xHat: emit.mul(emit.sub(x, mean!), inverse!), inverse: inverse! };
  }
  // In half precision models the statistics are float32, and a difference of halves would lose digits: once more with
  // unit scale.
  const unit = emit.constant(1, x.type, context.input(1).dims);
  const statistics = { type: 'float32' as const, dims };
  const attributes = { axis, epsilon: float(node.attributes.float('epsilon', 1e-5)) };
  const [xHat, , inverse] = emit.nodes('LayerNormalization', [x, unit], [x, statistics, statistics], attributes);
  return { xHat: xHat!, inverse: inverse! };
}

/** Both as groups of channels: [N, G, cells], statistics over the last axis. */
function groupedGradient(context: NodeContext, groups: number, scale: Value): void {
  const { emit, node } = context;
  const x = context.input();
  const { dims } = x;
  const flat = [dims[0]!, groups, dims.includes(-1, 1) ? -1 : dims.slice(1).reduce((a, b) => a * b, 1) / groups];
  if (flat.filter(size => size === -1).length > 1) context.fail('batch and size are both dynamic');
  const grouped = emit.reshape(x, flat);
  const centred = emit.sub(grouped, reduce(emit, 'ReduceMean', grouped, [2]));
  const variance = reduce(emit, 'ReduceMean', emit.mul(centred, centred), [2]);
  const deviation = emit.unary('Sqrt', plus(emit, variance, node.attributes.float('epsilon', 1e-5)));
  const inverse = emit.unary('Reciprocal', deviation);
  const xHat = emit.mul(centred, inverse);
  const g = context.fullGradient;
  const d = emit.reshape(emit.mul(g, scale), flat);
  context.add(0, emit.reshapeLike(normalizationGradient(emit, d, xHat, inverse, [2]), x));
}

const refuseScale = (context: NodeContext): void => {
  if (context.wants(1) || context.wants(2)) context.fail('its scale or bias is computed from the layer');
};

/** One number for each channel, or for each group of channels, as [channels, 1, …]. */
export function perChannel(context: NodeContext, numbers: Value): Value {
  const { emit } = context;
  const [, channels, ...cells] = context.input().dims as [number, number, ...number[]];
  const count = numbers.dims[0]!;
  let each = numbers;
  if (count !== channels) {
    const column = emit.reshape(numbers, [count, 1]);
    each = emit.mul(column, emit.constant(1, numbers.type, [count, channels / count]));
  }
  return emit.reshape(each, [channels, ...cells.map(() => 1)]);
}

export const instanceNormalization: Rule = {
  backward: context => {
    refuseScale(context);
    groupedGradient(context, context.input().dims[1]!, perChannel(context, context.input(1)));
  },
};

/** Scale per group in opsets 18 to 20, per channel from 21. */
export const groupNormalization: Rule = {
  backward: context => {
    refuseScale(context);
    groupedGradient(context, context.node.attributes.int('num_groups', 1), perChannel(context, context.input(1)));
  },
};

/** (x − mean)/(σ + 10⁻⁹) over some axes. */
export const meanVarianceNormalization = decomposed(context => {
  const { emit, node } = context;
  const x = context.input();
  const axes = node.attributes.ints('axes', [0, 2, 3]).map(axis => positiveAxis(axis, x.dims.length));
  const centred = emit.sub(x, reduce(emit, 'ReduceMean', x, axes));
  const deviation = emit.unary('Sqrt', reduce(emit, 'ReduceMean', emit.mul(centred, centred), axes));
  return emit.div(centred, plus(emit, deviation, 1e-9));
});

/** y = x/‖x‖₁: the norm of a zero vector counts as one. */
const l1Normalization = decomposed(context => {
  const { emit, node } = context;
  const x = context.input();
  const norm = reduce(emit, 'ReduceL1', x, [positiveAxis(node.attributes.int('axis', -1), x.dims.length)]);
  return emit.div(x, emit.add(norm, minusFrom(emit, 1, step(emit, norm))));
});

/** y = x/‖x‖₂ along an axis: (g − y·Σg·y)/‖x‖. */
export const lpNormalization: Rule = {
  backward: context => {
    const { emit, node } = context;
    if (node.attributes.int('p', 2) === 1) return l1Normalization.backward(context);
    const [x, y, g] = [context.input(), context.output(), context.fullGradient];
    const axis = positiveAxis(node.attributes.int('axis', -1), x.dims.length);
    const norm = reduce(emit, 'ReduceL2', x, [axis]);
    const projection = emit.mul(y, reduce(emit, 'ReduceSum', emit.mul(g, y), [axis]));
    context.add(0, emit.div(emit.sub(g, projection), norm));
  },
};

/**
 * y = x·s^(−β), s = k + α/n·Σ x² over a window of n channels: g·s^(−β) − 2αβ/n · x · Σ_window g·y/s. The window of
 * odd n is its own mirror image.
 */
export const localResponseNormalization: Rule = {
  backward: context => {
    const { emit, node } = context;
    const x = context.input();
    const size = node.attributes.int('size', 1);
    const alpha = node.attributes.float('alpha', 1e-4);
    const beta = node.attributes.float('beta', 0.75);
    const window = (value: Value) => channelWindow(context, value, size);
    const g = context.fullGradient;
    const squares = window(emit.mul(x, x));
    const s = plus(emit, scale(emit, squares, alpha / size), node.attributes.float('bias', 1));
    const direct = emit.mul(g, emit.binary('Pow', s, emit.scalar(-beta, s)));
    const shared = window(emit.div(emit.mul(g, context.output()), s));
    context.add(0, emit.sub(direct, emit.mul(scale(emit, x, (2 * alpha * beta) / size), shared)));
  },
};

/** Sums over windows of channels, as average pools of [N, 1, C, cells]. */
export function channelWindow(context: NodeContext, value: Value, size: number): Value {
  const { emit } = context;
  const { dims } = context.input();
  if (size % 2 === 0) context.fail('only odd sizes have a rule');
  if (dims.slice(2).includes(-1)) context.fail('height or width is dynamic');
  const flat = emit.reshape(value, [dims[0]!, 1, dims[1]!, dims.slice(2).reduce((a, b) => a * b, 1)]);
  const pads = [(size - 1) / 2, 0, (size - 1) / 2, 0];
  const attributes = { kernel_shape: [size, 1], strides: [1, 1], pads, count_include_pad: 1 };
  const means = emit.node('AveragePool', [flat], flat, attributes);
  return emit.reshapeLike(scale(emit, means, size), context.input());
}
