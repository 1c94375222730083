import { minusFrom, plus, scale, step } from '../../blocked.ts';
import type { NodeContext } from '../../context.ts';
import { clamp, reduce, reduceSum, sliceAxis } from '../../forms.ts';
import { range, type Value } from '../../value.ts';
import { decomposed } from '../decomposed.ts';
import { type BinCells, copied, largestOfBins } from './largest-of-bins.ts';

/**
 * RoiAlign(x, rois, batch_indices). Mode avg: rows and columns of a bin are averaged apart, so that each box is two
 * matrices [bins, cells] on either side of the map. Mode max: see largest. Boxes are constants, as in torchvision.
 */
export const roiAlign = decomposed(
  context => {
    const { emit: e, node } = context;
    const { attributes } = node;
    const x = context.input();
    const [height, width] = x.dims.slice(2) as [number, number];
    if (height === -1 || width === -1) context.fail('height or width is dynamic');
    const tall: Side = { low: 1, high: 3, bins: attributes.int('output_height', 1), cells: height };
    const wide: Side = { low: 0, high: 2, bins: attributes.int('output_width', 1), cells: width };
    if (attributes.string('mode', 'avg') === 'max') return largest(context, tall, wide);
    const [rows, columns] = [binMatrix(context, tall), binMatrix(context, wide)];
    const maps = mapsOfBoxes(context, x, context.input(2));
    return e.matMul(e.matMul(rows, maps), e.transpose(columns, [0, 1, 3, 2]));
  },
  [0],
);

/** The map that each box lies in, by whole numbers of any type; one map alone is read by all of them. */
export function mapsOfBoxes({ emit: e }: NodeContext, x: Value, images: Value): Value {
  if (x.dims[0] === 1) return x;
  const indices = e.cast(e.reshape(images, [images.dims[0]!]), 'int64');
  const dims = [indices.dims[0]!, ...x.dims.slice(1)];
  return e.node('Gather', [x, indices], { type: x.type, dims }, { axis: 0 });
}

interface Side {
  /** Columns of `rois` that hold both ends. */
  readonly low: number;
  readonly high: number;
  readonly bins: number;
  readonly cells: number;
}

/** Sampling points of all bins along a side: [boxes, points, bins, 1], in cells. */
interface Places {
  /** Held within the map. */
  readonly held: Value;
  /** 0 for points further than a cell outside, where nothing is read. */
  readonly inside: Value;
  /** Points of a bin; `valid` is 0 for those that a box has not, which repeat its last one. */
  readonly count: Value;
  readonly valid: Value | undefined;
}

function placesOf(context: NodeContext, { low, high, bins, cells }: Side): Places {
  const { emit: e, node } = context;
  const rois = context.input(1);
  const ratio = node.attributes.float('spatial_scale', 1);
  const fallback = e.opset < 16 ? 'output_half_pixel' : 'half_pixel';
  const half = node.attributes.string('coordinate_transformation_mode', fallback) === 'half_pixel';
  const end = (column: number) =>
    plus(e, scale(e, e.reshape(sliceAxis(e, rois, 1, column, 1), [rois.dims[0]!, 1, 1, 1]), ratio), half ? -0.5 : 0);
  const start = end(low);
  const length = e.sub(end(high), start);
  const size = half ? length : e.binary('Max', length, e.scalar(1, length));
  const bin = scale(e, size, 1 / bins);
  const { points, count, valid } = samples(context, bin);
  const first = e.constant(range(bins), rois.type, [1, 1, bins, 1]);
  const pitch = e.div(bin, count);
  const place = e.add(e.add(start, e.mul(first, bin)), e.mul(plus(e, points, 0.5), pitch));
  // Further than a cell outside nothing is read; up to there the edge.
  const outside = e.add(step(e, minusFrom(e, -1, place)), step(e, plus(e, place, -cells)));
  return { held: clamp(e, place, 0, cells - 1), inside: minusFrom(e, 1, outside), count, valid };
}

/** Share of each cell in each bin, by linear interpolation at the bin's sampling points: [boxes, 1, bins, cells]. */
function binMatrix(context: NodeContext, side: Side): Value {
  const { emit: e } = context;
  const { held, inside, count, valid } = placesOf(context, side);
  const distance = e.unary('Abs', e.sub(held, e.constant(range(side.cells), held.type, [1, 1, 1, side.cells])));
  const share = e.mul(e.unary('Relu', minusFrom(e, 1, distance)), inside);
  const counted = valid ? e.mul(share, valid) : share;
  return e.div(reduceSum(e, counted, [1]), count);
}

/**
 * Mode max as the runtime computes it: the largest of all products of a cell and its share in a sampling point, not of the points'
 * values.
 */
function largest(context: NodeContext, tall: Side, wide: Side): Value {
  const [rows, columns] = [cornersOf(context, tall), cornersOf(context, wide)];
  return largestOfBins(context, mapsOfBoxes(context, context.input(), context.input(2)), rows, columns);
}

/** The cells on both sides of each sampling point, times their shares in it. */
function cornersOf(context: NodeContext, side: Side): BinCells {
  const { emit: e } = context;
  const { held, inside, valid } = placesOf(context, side);
  const [place, counted] = [held, inside].map(value => e.transpose(value, [0, 2, 1, 3])) as [Value, Value];
  const low = e.unary('Floor', place);
  const above = e.sub(place, low);
  const cells = e.constant(range(side.cells), place.type, [1, 1, 1, side.cells]);
  const share = (index: Value, weight: Value) => e.mul(e.equal(index, cells), e.mul(weight, counted));
  const high = clamp(e, plus(e, low, 1), 0, side.cells - 1);
  const shares = e.concat([share(low, minusFrom(e, 1, above)), share(high, above)], 2);
  const boxes = shares.dims[0]!;
  const chosen = copied(e, shares, [0, 1, -1, side.cells], [boxes, 1, -1, side.cells]);
  // A box without extent has no sampling points.
  const some = valid && e.reshape(sliceAxis(e, valid, 1, 0, 1), [boxes, 1, 1, 1]);
  return { chosen, filled: some, bins: side.bins };
}

/** Sampling points of a bin along a side: a fixed number, or as many as the bin has cells, which differs between boxes. */
function samples(context: NodeContext, bin: Value): { points: Value; count: Value; valid?: Value } {
  const { emit: e, node } = context;
  const ratio = node.attributes.int('sampling_ratio', 0);
  if (ratio > 0) {
    const points = e.constant(range(ratio), bin.type, [1, ratio, 1, 1]);
    return { points, count: e.constant(ratio, bin.type) };
  }
  const own = e.unary('Ceil', bin);
  const count = e.binary('Max', own, e.scalar(1, own));
  const most = e.reshape(reduce(e, 'ReduceMax', count, [0]), []);
  const indices = e.node('Range', [e.scalar(0, bin), most, e.scalar(1, bin)], { type: bin.type, dims: [-1] });
  const points = e.reshape(indices, [1, -1, 1, 1]);
  return { points: e.binary('Min', points, plus(e, count, -1)), count, valid: step(e, e.sub(own, points)) };
}
