import { expand } from '../broadcast.ts';
import { padAxis } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { positiveAxis, range, replaceAt, sizeOf } from '../value.ts';
import { intoZeros, rowsOf } from './scatter.ts';

// Operators that choose elements at run time: the gradient goes to the places chosen.

/** TopK: the values' gradient at the places that Indices name; no place is named twice in a row. */
export const topK: Rule = {
  inputs: [0],
  backward: context => {
    const { node } = context;
    const x = context.input();
    const axis = positiveAxis(node.attributes.int('axis', -1), x.dims.length);
    const g = context.fullGradient;
    context.add(0, intoZeros(context, rowsOf(context, context.output(1), g), g, axis));
  },
};

/** ReverseSequence is its own inverse. */
export const reverseSequence: Rule = {
  inputs: [0],
  backward: context => {
    const { emit, node } = context;
    const attributes = {
      batch_axis: node.attributes.int('batch_axis', 1),
      time_axis: node.attributes.int('time_axis', 0),
    };
    if (context.manyScores) context.fail('several scores of one image would need lengths of their own');
    const g = context.fullGradient;
    context.add(0, emit.node('ReverseSequence', [g, context.input(1)], g, attributes));
  },
};

/**
 * Compress: place i of the axis was given to row Σ_{j≤i} c_j − 1 of the output where c_i is set. A row of zeros behind the
 * gradient (index −1) serves places before the first.
 */
export const compress: Rule = {
  inputs: [0],
  backward: context => {
    const { emit, node } = context;
    if (emit.opset < 11) context.fail('it needs opset 11');
    const [x, condition] = [context.input(), context.input(1)];
    const flat = !node.attributes.has('axis');
    const axis = flat ? 0 : positiveAxis(node.attributes.int('axis', 0), x.dims.length);
    const size = flat ? sizeOf(x.dims) : x.dims[axis]!;
    if (size === -1) context.fail('it chooses from a dynamic axis');
    // What probing saw chosen may be another number in the next picture.
    const open = context.constantInput(1)
      ? context.output()
      : { ...context.output(), dims: replaceAt(context.output().dims, axis, -1) };
    const g = padAxis(emit, expand(emit, context.gradient, open), axis, 0, 1);
    const flags = emit.cast(condition, 'int64');
    const counted = emit.node('CumSum', [flags, emit.constant(0, 'int64')], flags);
    const short = size - condition.dims[0]!;
    const rows = emit.sub(counted, emit.constant(1, 'int64'));
    const picked = emit.node(
      'Gather',
      [g, rows],
      { type: g.type, dims: replaceAt(g.dims, axis, condition.dims[0]!) },
      { axis },
    );
    const column = emit.reshape(
      emit.cast(condition, g.type),
      range(g.dims.length).map(index => (index === axis ? condition.dims[0]! : 1)),
    );
    context.add(0, emit.reshapeLike(padAxis(emit, emit.mul(picked, column), axis, 0, short), x));
  },
};

/** MaxUnpool: what lies at the places that were written to. Indices count through the whole output. */
export const maxUnpool: Rule = {
  inputs: [0],
  backward: context => {
    const { emit } = context;
    const [indices, g] = [context.input(1), context.fullGradient];
    if (!context.manyScores) {
      const flat = emit.reshape(g, [sizeOf(g.dims)]);
      return context.add(0, emit.node('Gather', [flat, indices], { type: g.type, dims: indices.dims }, { axis: 0 }));
    }
    // One image and a row of gradients for each score.
    const rows = emit.reshape(g, [-1, sizeOf(g.dims.slice(1))]);
    const places = emit.reshape(indices, indices.dims.slice(1));
    const dims = [rows.dims[0]!, ...places.dims];
    context.add(0, emit.node('Gather', [rows, places], { type: g.type, dims }, { axis: 1 }));
  },
};
