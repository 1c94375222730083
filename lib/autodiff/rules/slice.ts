import { expand } from '../broadcast.ts';
import type { NodeContext } from '../context.ts';
import { gather, padAxis, sliceAxis, split as splitAxis } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { positiveAxis, range, replaceAt, type Value } from '../value.ts';

/** One Split when every input is wanted, else a Slice each. */
export const concat: Rule = {
  backward: context => {
    const { emit, node } = context;
    const { dims } = context.output();
    const axis = positiveAxis(node.attributes.int('axis', 1), dims.length);
    const sizes = node.inputs.map((_, position) => context.input(position).dims[axis]!);
    if (sizes.includes(-1)) context.fail('it joins along a dynamic axis');
    const g = expand(emit, context.gradient, context.output(), [axis]);
    if (node.inputs.length > 1 && node.inputs.every((_, position) => context.wants(position)))
      return splitAxis(emit, g, axis, sizes).forEach((piece, position) => {
        context.add(position, piece);
      });
    let start = 0;
    for (const [position, size] of sizes.entries()) {
      if (context.wants(position)) context.add(position, sliceAxis(emit, g, axis, start, size));
      start += size;
    }
  },
};

export const split: Rule = {
  inputs: [0],
  backward: context => {
    const { node } = context;
    const axis = positiveAxis(node.attributes.int('axis', 0), context.input().dims.length);
    let start = 0;
    for (const position of node.outputs.keys()) {
      const length = context.output(position).dims[axis]!;
      if (length === -1) context.fail('it splits a dynamic axis');
      const g = context.gradientOf(position);
      if (g) context.addPart(0, { axis, start, length }, g);
      start += length;
    }
  },
};

interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

/** Bounds of a Slice: inputs since opset 10, attributes before. */
function cutsOf(context: NodeContext): Cut[] {
  const { node } = context;
  const { dims } = context.input();
  const listed = (position: number, name: string): readonly number[] | undefined => {
    if (node.attributes.has(name)) return node.attributes.ints(name);
    if (!context.has(position)) return undefined;
    return context.constantInput(position) ?? context.fail(`its ${name} vary at run time`);
  };
  const starts = listed(1, 'starts') ?? context.fail('it has no starts');
  const axes = listed(3, 'axes') ?? range(starts.length);
  const steps = listed(4, 'steps') ?? starts.map(() => 1);
  const cuts = starts.map((start, index): Cut => {
    const axis = positiveAxis(axes[index]!, dims.length);
    const length = context.output().dims[axis]!;
    const size = dims[axis]!;
    const step = steps[index]!;
    if (size === -1) {
      if (start === 0 && step === 1 && length === -1) return { axis, start: 0, step: 1, length: -1 };
      return context.fail('it cuts a dynamic axis');
    }
    const from = start < 0 ? start + size : start;
    return { axis, start: Math.min(Math.max(from, 0), step < 0 ? size - 1 : size), step, length };
  });
  return cuts.filter(({ axis, step, length }) => length !== -1 && !(step === 1 && length === dims[axis]));
}

/** One cut with step 1 is a part of the input's gradient; anything else is put back axis by axis. */
export const slice: Rule = {
  inputs: [0],
  backward: context => {
    const { emit } = context;
    const cuts = cutsOf(context);
    const { dims } = context.input();
    if (cuts.length === 0) return context.add(0, context.gradient);
    const [first, ...others] = cuts;
    let g = context.gradient;
    let shape: Value = context.output();
    for (const cut of others) {
      g = putBack(context, expand(emit, g, shape, [cut.axis]), cut, dims[cut.axis]!);
      shape = { ...shape, dims: replaceAt(shape.dims, cut.axis, dims[cut.axis]!) };
    }
    if (first!.step === 1) return context.addPart(0, first!, g);
    context.add(0, putBack(context, expand(emit, g, shape, [first!.axis]), first!, dims[first!.axis]!));
  },
};

/** A gradient along one axis returned to the places it was cut from, zeros elsewhere. */
function putBack(context: NodeContext, g: Value, { axis, start, step, length }: Cut, size: number): Value {
  const { emit } = context;
  if (step === 1) return padAxis(emit, g, axis, start, size - start - length);
  return placeRows(
    context,
    g,
    axis,
    range(length).map(index => start + index * step),
    size,
  );
}

/** Rows of g moved to distinct positions of a longer axis: gathered from g and one row of zeros behind it. */
function placeRows(context: NodeContext, g: Value, axis: number, positions: readonly number[], size: number): Value {
  const source = Array(size).fill(positions.length);
  for (const [row, position] of positions.entries()) source[position] = row;
  return gather(context.emit, padAxis(context.emit, g, axis, 0, 1), axis, source);
}

/**
 * Gather: a stretch of constant indices (or one) is a part; distinct ones are put back to their places; repeated ones
 * are multiplied by a 0/1 matrix; run-time ones are added row by row.
 */
export const gatherRule: Rule = {
  inputs: [0],
  backward: context => {
    const { emit, node } = context;
    const x = context.input();
    const axis = positiveAxis(node.attributes.int('axis', 0), x.dims.length);
    const size = x.dims[axis]!;
    const found = context.constantInput(1);
    if (!found) return context.add(0, scatterRows(context, axis));
    if (size === -1) context.fail('it picks from a dynamic axis');
    const indices = found.map(index => positiveAxis(index, size));
    const rows = { ...x, dims: replaceAt(x.dims, axis, indices.length) };
    const g = joinIndexAxes(context, axis, indices.length);
    const [first] = indices;
    if (indices.every((index, position) => index === first! + position))
      return context.addPart(0, { axis, start: first!, length: indices.length }, g);
    const full = expand(emit, g, rows, [axis]);
    if (new Set(indices).size === indices.length) return context.add(0, placeRows(context, full, axis, indices, size));
    context.add(0, multiplyAlong(context, full, axis, selection(indices, size), size));
  },
};

/** The gradient with the axes of the index tensor (none for one index, or several) as one axis, lazy elsewhere. */
function joinIndexAxes(context: NodeContext, axis: number, count: number): Value {
  const { emit, gradient } = context;
  const rank = context.input(1).dims.length;
  if (rank === 1) return gradient;
  const written = expand(emit, gradient, context.output(), range(rank, axis));
  const dims = [...written.dims.slice(0, axis), count, ...written.dims.slice(axis + rank)];
  return emit.reshape(written, dims);
}

/** 0/1 matrix [indices, size] in row-major order. */
export function selection(indices: readonly number[], size: number): number[] {
  return indices.flatMap(index => range(size).map(column => (column === index ? 1 : 0)));
}

/** Σ_i g[…, i, …]·M[i, j] along one axis, M given as [g's size, columns]. */
export function multiplyAlong(
  context: NodeContext,
  g: Value,
  axis: number,
  matrix: readonly number[] | Value,
  columns: number,
): Value {
  const { emit } = context;
  const rows = g.dims[axis]!;
  const factor = 'name' in matrix ? matrix : emit.constant(matrix, g.type, [rows, columns]);
  const last = g.dims.length - 1;
  // Swapping the axis with the last one is its own inverse.
  const swap = range(g.dims.length).map(index => (index === axis ? last : index === last ? axis : index));
  const moved = emit.transpose(g, swap);
  const product = emit.node('MatMul', [moved, factor], { type: g.type, dims: replaceAt(moved.dims, last, columns) });
  return emit.transpose(product, swap);
}

/** Indices known only at run time, along axis 0: rows of g added to their places (opset 16). */
function scatterRows(context: NodeContext, axis: number): Value {
  const { emit } = context;
  if (axis !== 0) context.fail('its indices vary at run time on an axis other than 0');
  if (emit.opset < 16) context.fail('its indices vary at run time, which needs opset 16');
  const indices = context.input(1);
  const x = context.input();
  const type = x.type === 'float16' || x.type === 'bfloat16' ? 'float32' : x.type;
  const column = { type: indices.type, dims: [...indices.dims, 1] };
  const positions = emit.node('Unsqueeze', [indices, emit.ints([-1])], column);
  const updates = emit.cast(context.fullGradient, type);
  const sums = emit.node(
    'ScatterND',
    [emit.zerosLike({ ...x, type }), emit.cast(positions, 'int64'), updates],
    { type, dims: x.dims },
    { reduction: 'add' },
  );
  return emit.cast(sums, x.type);
}
