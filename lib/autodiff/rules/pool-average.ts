import { declareShape, scale } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import { pad, repeatElements } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { range, sizeOf, type Value } from '../value.ts';
import { allOnes, allZeros, insertZeros, reachOf, requireStaticWindow, type Window, windowOf } from './window.ts';

/** GlobalAveragePool: g / n, constant over positions. */
export const globalAveragePool: Rule = {
  backward: context => {
    const count = sizeOf(context.input().dims.slice(2));
    if (count === -1) context.fail('height or width is dynamic');
    context.add(0, scale(context.emit, context.gradient, 1 / count));
  },
};

export const averagePool: Rule = {
  backward: context => {
    const window = windowOf(context, context.node.attributes.ints('kernel_shape', []));
    requireStaticWindow(context, window);
    const { kernel, strides, input, output, padBegin, padEnd } = window;
    const padded = !allZeros([...padBegin, ...padEnd]);
    if (!padded && allOnes(kernel) && allOnes(strides)) return context.add(0, context.gradient);
    // A single window over the whole map is a global mean.
    if (!padded && kernel.every((size, axis) => size === input[axis]) && allOnes(output) && allOnes(window.dilations))
      return context.add(0, scale(context.emit, context.gradient, 1 / sizeOf(kernel)));
    const g = perCell(context, window);
    const tiled = kernel.every((size, axis) => size === strides[axis] && size * output[axis]! === input[axis]);
    if (tiled && !padded && allOnes(window.dilations)) {
      const spread = repeatElements(context.emit, g, [1, 1, ...kernel]);
      if (!context.manyScores) declareShape(context.emit, spread, context.input());
      return context.add(0, spread);
    }
    context.add(0, spreadWindows(context, window, g));
  },
};

/** The gradient divided by the number of cells that each window averages. */
function perCell(context: NodeContext, window: Window): Value {
  const { emit, node } = context;
  const area = sizeOf(window.kernel);
  const g = context.fullGradient;
  const overhang = (axis: number): number =>
    (window.output[axis]! - 1) * window.strides[axis]! +
    reachOf(window, axis) +
    1 -
    (window.input[axis]! + window.padBegin[axis]! + window.padEnd[axis]!);
  const overhangs = range(window.rank).some(axis => overhang(axis) > 0);
  const padded = !allZeros([...window.padBegin, ...window.padEnd]);
  const counted = node.attributes.int('count_include_pad', 0) === 1;
  if (!overhangs && (!padded || counted)) return scale(emit, g, 1 / area);
  const valid = validCounts(window);
  if (!counted)
    return emit.mul(
      g,
      emit.constant(
        valid.map(count => 1 / count),
        g.type,
        [1, 1, ...window.output],
      ),
    );
  // Versions differ in whether a window that overhangs the padding counts its missing cells: the operator itself,
  // applied to ones, says what it divides by (the runtime folds this when it loads the graph).
  const ones = emit.constant(1, g.type, [1, 1, ...window.input]);
  const attributes = Object.fromEntries(node.attributes.protos.map(proto => [proto.name, proto]));
  const shares = emit.node('AveragePool', [ones], { type: g.type, dims: [1, 1, ...window.output] }, attributes);
  return emit.mul(g, emit.div(shares, emit.constant(valid, g.type, [1, 1, ...window.output])));
}

/** Cells of each window that lie on the map, for the output positions in row-major order. */
function validCounts(window: Window): number[] {
  const perAxis = range(window.rank).map(axis =>
    range(window.output[axis]!).map(position => {
      const start = position * window.strides[axis]! - window.padBegin[axis]!;
      const cells = range(window.kernel[axis]!).map(cell => start + cell * window.dilations[axis]!);
      return cells.filter(cell => cell >= 0 && cell < window.input[axis]!).length;
    }),
  );
  return perAxis.reduce((all, axis) => all.flatMap(product => axis.map(count => product * count)), [1]);
}

/** Σ over the windows that contain a cell of their gradients. */
function spreadWindows(context: NodeContext, window: Window, g: Value): Value {
  const { emit } = context;
  const { kernel, strides, dilations, rank, input, output, padBegin } = window;
  const spread = insertZeros(emit, g, strides);
  const begin = range(rank).map(axis => reachOf(window, axis) - padBegin[axis]!);
  const end = range(rank).map(axis => input[axis]! - ((output[axis]! - 1) * strides[axis]! + 1) + padBegin[axis]!);
  const dims = [g.dims[0]!, g.dims[1]!, ...input];
  const usual = [...begin, ...end].every((amount, index) => amount >= 0 && amount < kernel[index % rank]!);
  if (usual && allOnes(strides) && allOnes(dilations)) {
    const attributes = { kernel_shape: kernel, strides, pads: [...begin, ...end], count_include_pad: 1 };
    const mean = emit.node('AveragePool', [spread], { type: g.type, dims }, attributes);
    return scale(emit, mean, sizeOf(kernel));
  }
  const channels = g.dims[1]!;
  const ones = emit.constant(1, g.type, [channels, 1, ...kernel]);
  // Rows that no window reads get zeros, windows beyond the map are cropped.
  const inside = [...begin, ...end].map(amount => Math.max(amount, 0));
  const sums = emit.node(
    'Conv',
    [spread, ones],
    { type: g.type, dims: [dims[0]!, channels, ...range(rank).map(axis => input[axis]! + excess(begin, end, axis))] },
    { kernel_shape: kernel, strides: kernel.map(() => 1), dilations, group: channels, pads: inside },
  );
  const crop = (amounts: readonly number[]) => [0, 0, ...amounts.map(amount => Math.min(amount, 0))];
  return pad(emit, sums, crop(begin), crop(end));
}

const excess = (begin: readonly number[], end: readonly number[], axis: number): number =>
  Math.max(-begin[axis]!, 0) + Math.max(-end[axis]!, 0);
