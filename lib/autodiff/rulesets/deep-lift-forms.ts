import { minusFrom, plus, scale, step } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import { reduce, reduceSum } from '../forms.ts';
import type { Form } from '../rule.ts';
import { channelWindow, perChannel } from '../rules/normalization.ts';
import { spatialSums, windowSums } from '../rules/pool-lp.ts';
import { reducedAxes } from '../rules/reduce.ts';
import { positiveAxis, type Value } from '../value.ts';

/** Operators whose gradient has a formula, written with those that DeepLIFT has rules for. */

const reduced =
  (form: (context: NodeContext, axes: readonly number[]) => Value): Form['forward'] =>
  context =>
    context.emit.reshapeLike(form(context, reducedAxes(context)), context.output());

const reduceL1 = reduced((context, axes) => reduceSum(context.emit, context.emit.unary('Abs', context.input()), axes));

const reduceLogSum = reduced((context, axes) =>
  context.emit.unary('Log', reduceSum(context.emit, context.input(), axes)),
);

/** x/‖x‖, and zero for a vector of zeros. */
const lpNormalization: Form['forward'] = context => {
  const { emit, node } = context;
  const x = context.input();
  const axes = [positiveAxis(node.attributes.int('axis', -1), x.dims.length)];
  const norm =
    node.attributes.int('p', 2) === 1
      ? reduceSum(emit, emit.unary('Abs', x), axes)
      : emit.unary('Sqrt', reduceSum(emit, emit.mul(x, x), axes));
  return emit.div(x, emit.add(norm, minusFrom(emit, 1, step(emit, norm))));
};

/** Instance and group normalisation: statistics over [N, groups, cells], then a scale and a shift for each channel. */
const groupNormalization: Form['forward'] = context => {
  const { emit, node } = context;
  const x = context.input();
  const channels = x.dims[1]!;
  const groups = node.op === 'InstanceNormalization' ? channels : node.attributes.int('num_groups', 1);
  if (context.wants(1) || context.wants(2)) context.fail('its scale or bias is computed from the layer');
  if (x.dims.includes(-1, 1)) context.fail('DeepLIFT has a rule for it where only the batch is dynamic');
  const grouped = emit.reshape(x, [x.dims[0]!, groups, x.dims.slice(1).reduce((a, b) => a * b, 1) / groups]);
  const mean = (value: Value) => reduce(emit, 'ReduceMean', value, [2]);
  const centred = emit.sub(grouped, mean(grouped));
  const variance = plus(emit, mean(emit.mul(centred, centred)), node.attributes.float('epsilon', 1e-5));
  const normal = emit.reshapeLike(emit.div(centred, emit.unary('Sqrt', variance)), x);
  return emit.add(emit.mul(normal, perChannel(context, context.input(1))), perChannel(context, context.input(2)));
};

/** x·s^(−β) with s = k + α/n·Σ x² over a window of channels. */
const localResponse: Form['forward'] = context => {
  const { emit, node } = context;
  const x = context.input();
  const size = node.attributes.int('size', 1);
  const squares = channelWindow(context, emit.mul(x, x), size);
  const s = plus(
    emit,
    scale(emit, squares, node.attributes.float('alpha', 1e-4) / size),
    node.attributes.float('bias', 1),
  );
  return emit.mul(x, emit.binary('Pow', s, emit.scalar(-node.attributes.float('beta', 0.75), s)));
};

const lpPool =
  (sums: (context: NodeContext, powers: Value) => Value): Form['forward'] =>
  context => {
    const { emit } = context;
    const p = context.node.attributes.int('p', 2);
    const x = context.input();
    if (p === 1) return sums(context, emit.unary('Abs', x));
    if (p !== 2) context.fail('DeepLIFT has a rule for it where p is 1 or 2');
    return emit.unary('Sqrt', sums(context, emit.mul(x, x)));
  };

export const FORMS: Readonly<Record<string, Form['forward']>> = {
  GlobalLpPool: lpPool(spatialSums),
  GroupNormalization: groupNormalization,
  InstanceNormalization: groupNormalization,
  LRN: localResponse,
  LpNormalization: lpNormalization,
  LpPool: lpPool(windowSums),
  ReduceL1: reduceL1,
  ReduceLogSum: reduceLogSum,
};
