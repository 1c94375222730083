import { plus, sign, step } from '../../blocked.ts';
import type { NodeContext } from '../../context.ts';
import type { Emitter } from '../../emitter.ts';
import { clamp, reduce, sliceAxis } from '../../forms.ts';
import { range, type Value } from '../../value.ts';
import { decomposed } from '../decomposed.ts';
import { type BinCells, copied, largestOfBins } from './largest-of-bins.ts';
import { mapsOfBoxes } from './roi-align.ts';

/**
 * MaxRoiPool(x, rois): the largest cell of each bin of a box, whose edges are rounded to whole cells. Of equal cells the
 * first in row-major order counts, as in torchvision. Boxes are constants.
 */
export const maxRoiPool = decomposed(
  context => {
    const { emit: e, node } = context;
    const [x, rois] = [context.input(), context.input(1)];
    const [height, width] = x.dims.slice(2) as [number, number];
    if (height === -1 || width === -1) context.fail('height or width is dynamic');
    const [bins, lanes] = node.attributes.ints('pooled_shape', []) as [number, number];
    const rows = binCells(context, { low: 2, high: 4, bins, cells: height });
    const columns = binCells(context, { low: 1, high: 3, bins: lanes, cells: width });
    return largestOfBins(context, mapsOfBoxes(context, x, sliceAxis(e, rois, 1, 0, 1)), rows, columns);
  },
  [0],
);

interface Side {
  /** Columns of `rois` that hold the first and the last cell. */
  readonly low: number;
  readonly high: number;
  readonly bins: number;
  readonly cells: number;
}

/** The cells of each bin: as many for every bin as the longest has, the last one repeated; none for bins outside the map. */
function binCells(context: NodeContext, { low, high, bins, cells }: Side): BinCells {
  const { emit: e, node } = context;
  const rois = context.input(1);
  const { type } = rois;
  const boxes = rois.dims[0]!;
  const ratio = e.scalar(node.attributes.float('spatial_scale', 1), rois);
  const end = (column: number) => rounded(e, e.mul(e.reshape(sliceAxis(e, rois, 1, column, 1), [boxes, 1, 1]), ratio));
  const start = end(low);
  const length = e.binary('Max', plus(e, e.sub(end(high), start), 1), e.scalar(1, start));
  // As the runtime counts, whose rounding decides where an edge falls.
  const bin = e.div(length, e.scalar(bins, length));
  const edge = (op: string, at: number) => {
    const places = e.constant(range(bins, at), type, [1, bins, 1]);
    return clamp(e, e.add(e.unary(op, e.mul(places, bin)), start), 0, cells);
  };
  const [from, to] = [edge('Floor', 0), edge('Ceil', 1)];
  const counts = e.sub(to, from);
  const inside = e.binary('Min', e.add(from, steps(e, counts, cells)), plus(e, to, -1));
  const index = copied(e, clamp(e, inside, 0, cells - 1), [0, 1, -1, 1], [boxes, 1, -1, 1]);
  const chosen = e.equal(index, e.constant(range(cells), type, [1, 1, 1, cells]));
  return { chosen, filled: e.reshape(step(e, counts), [boxes, 1, bins, 1]), bins };
}

/** 0, 1, 2 … [1, 1, most] for the longest bin; before opset 10, where a slice has fixed ends, for the longest that could be. */
function steps(e: Emitter, counts: Value, cells: number): Value {
  const all = e.constant(range(cells), counts.type, [1, 1, cells]);
  if (e.opset < 10) return all;
  const longest = e.binary('Max', reduce(e, 'ReduceMax', counts, [0, 1, 2]), e.scalar(1, counts));
  const end = e.cast(e.reshape(longest, [1]), 'int64');
  return e.node('Slice', [all, e.ints([0]), end, e.ints([2])], { type: all.type, dims: [1, 1, -1] });
}

/** To the nearest whole number, halves away from zero; the operator Round takes them to even ones. */
function rounded(e: Emitter, x: Value): Value {
  return e.mul(sign(e, x), e.unary('Floor', plus(e, e.unary('Abs', x), 0.5)));
}
