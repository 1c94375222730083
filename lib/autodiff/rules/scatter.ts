import type { NodeContext } from '../context.ts';
import type { Rule } from '../rule.ts';
import { positiveAxis, replaceAt, type Value } from '../value.ts';

// Gathering and scattering are each other's gradients; adding into places needs opset 16, where `reduction` came.

/** The element type in which the CPU can add into places. */
const addingType = (type: Value['type']): Value['type'] =>
  type === 'float16' || type === 'bfloat16' ? 'float32' : type;

/** Adds updates into a tensor of zeros with the shape of input 0. */
function addIntoZeros(
  context: NodeContext,
  op: 'ScatterElements' | 'ScatterND',
  indices: Value,
  updates: Value,
  attributes: Readonly<Record<string, number>>,
): Value {
  const { emit } = context;
  if (emit.opset < 16) context.fail('adding into places needs opset 16');
  const x = context.input();
  const type = addingType(x.type);
  const zeros = rowsOf(context, emit.zerosLike({ ...x, type }), updates);
  const sums = emit.node(
    op,
    [zeros, indices, emit.cast(updates, type)],
    { type, dims: x.dims },
    {
      ...attributes,
      reduction: 'add',
    },
  );
  return emit.cast(sums, x.type);
}

/** A tensor of one image with a row for each of several scores, as the gradient has them. */
export function rowsOf(context: NodeContext, x: Value, gradient: Value): Value {
  const { emit } = context;
  if (!context.manyScores) return x;
  const ones = emit.constant(1, 'int64', [x.dims.length - 1]);
  const rows = emit.node('Gather', [emit.shapeOf(gradient), emit.ints([0])], { type: 'int64', dims: [1] }, { axis: 0 });
  const dims = replaceAt(x.dims, 0, gradient.dims[0]!);
  return emit.node('Expand', [x, emit.concat([rows, ones], 0)], { type: x.type, dims });
}

/** Updates at distinct places along an axis, zeros elsewhere, in the shape of input 0. */
export function intoZeros(context: NodeContext, indices: Value, updates: Value, axis: number): Value {
  const { emit } = context;
  if (emit.opset < 9) context.fail('writing to places needs opset 9');
  const x = context.input();
  const type = addingType(x.type);
  const zeros = rowsOf(context, emit.zerosLike({ ...x, type }), updates);
  const op = emit.opset < 11 ? 'Scatter' : 'ScatterElements';
  const placed = emit.node(op, [zeros, indices, emit.cast(updates, type)], { type, dims: x.dims }, { axis });
  return emit.cast(placed, x.type);
}

export const gatherElements: Rule = {
  inputs: [0],
  backward: context => {
    const axis = positiveAxis(context.node.attributes.int('axis', 0), context.input().dims.length);
    const g = context.fullGradient;
    context.add(0, addIntoZeros(context, 'ScatterElements', rowsOf(context, context.input(1), g), g, { axis }));
  },
};

export const gatherND: Rule = {
  inputs: [0],
  backward: context => {
    if (context.node.attributes.int('batch_dims', 0) !== 0) context.fail('batch_dims is not supported');
    context.add(0, addIntoZeros(context, 'ScatterND', context.input(1), context.fullGradient, {}));
  },
};

function refuseReduction(context: NodeContext, accepted: readonly string[]): string {
  const reduction = context.node.attributes.string('reduction', 'none');
  if (!accepted.includes(reduction)) context.fail(`reduction = ${reduction} is not supported`);
  return reduction;
}

/** data: g, without the places written to unless the updates were added; updates: g at their places. */
export const scatterElements: Rule = {
  inputs: [0, 2],
  backward: context => {
    const { emit, node } = context;
    const reduction = refuseReduction(context, ['none', 'add']);
    const axis = positiveAxis(node.attributes.int('axis', 0), context.input().dims.length);
    const [g, indices, updates] = [context.fullGradient, context.input(1), context.input(2)];
    if (reduction === 'add') context.add(0, g);
    else if (context.wants(0)) {
      const zeros = emit.mul(updates, emit.scalar(0, updates));
      context.add(0, emit.node(node.op, [g, indices, zeros], g, { axis }));
    }
    if (context.wants(2)) {
      if (emit.opset < 11) context.fail('its updates need opset 11');
      const dims = indices.dims;
      context.add(2, emit.node('GatherElements', [g, indices], { type: g.type, dims }, { axis }));
    }
  },
};

export const scatterND: Rule = {
  inputs: [0, 2],
  backward: context => {
    const { emit } = context;
    const reduction = refuseReduction(context, ['none', 'add']);
    const [g, indices, updates] = [context.fullGradient, context.input(1), context.input(2)];
    if (reduction === 'add') context.add(0, g);
    else if (context.wants(0)) {
      const zeros = emit.mul(updates, emit.scalar(0, updates));
      context.add(0, emit.node('ScatterND', [g, indices, zeros], g));
    }
    if (context.wants(2)) context.add(2, emit.node('GatherND', [g, indices], updates));
  },
};
