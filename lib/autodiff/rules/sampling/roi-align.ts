import { minusFrom, plus, scale, step } from '../../blocked.ts';
import type { NodeContext } from '../../context.ts';
import { clamp, reduce, reduceSum, sliceAxis } from '../../forms.ts';
import { range, type Value } from '../../value.ts';
import { decomposed } from '../decomposed.ts';

/**
 * RoiAlign(x, rois, batch_indices), mode avg: rows and columns of a bin are averaged apart, so that each box is two
 * matrices [bins, cells] on either side of the map. Boxes are constants, as in torchvision.
 */
export const roiAlign = decomposed(
  context => {
    const { emit: e, node } = context;
    const { attributes } = node;
    if (attributes.string('mode', 'avg') !== 'avg') context.fail('mode = max is not supported');
    const x = context.input();
    const [height, width] = x.dims.slice(2) as [number, number];
    if (height === -1 || width === -1) context.fail('height or width is dynamic');
    const rows = binMatrix(context, { low: 1, high: 3, bins: attributes.int('output_height', 1), cells: height });
    const columns = binMatrix(context, { low: 0, high: 2, bins: attributes.int('output_width', 1), cells: width });
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

/** Share of each cell in each bin, by linear interpolation at the bin's sampling points: [boxes, 1, bins, cells]. */
function binMatrix(context: NodeContext, { low, high, bins, cells }: Side): Value {
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
  const first = e.constant(range(bins), rois.type, [1, bins, 1, 1]);
  const pitch = e.div(bin, count);
  const place = e.add(e.add(start, e.mul(first, bin)), e.mul(plus(e, points, 0.5), pitch));
  // Further than a cell outside nothing is read; up to there the edge.
  const outside = e.add(step(e, minusFrom(e, -1, place)), step(e, plus(e, place, -cells)));
  const held = clamp(e, place, 0, cells - 1);
  const distance = e.unary('Abs', e.sub(held, e.constant(range(cells), rois.type, [1, 1, 1, cells])));
  const share = e.mul(e.unary('Relu', minusFrom(e, 1, distance)), minusFrom(e, 1, outside));
  const counted = valid ? e.mul(share, valid) : share;
  const mean = e.div(reduceSum(e, counted, [2]), count);
  return e.transpose(mean, [0, 2, 1, 3]);
}

/** Sampling points of a bin along a side: a fixed number, or as many as the bin has cells, which differs between boxes. */
function samples(context: NodeContext, bin: Value): { points: Value; count: Value; valid?: Value } {
  const { emit: e, node } = context;
  const ratio = node.attributes.int('sampling_ratio', 0);
  if (ratio > 0) {
    const points = e.constant(range(ratio), bin.type, [1, 1, ratio, 1]);
    return { points, count: e.constant(ratio, bin.type) };
  }
  const count = e.unary('Ceil', bin);
  const most = e.reshape(reduce(e, 'ReduceMax', count, [0]), []);
  const indices = e.node('Range', [e.scalar(0, bin), most, e.scalar(1, bin)], { type: bin.type, dims: [-1] });
  const points = e.reshape(indices, [1, 1, -1, 1]);
  return { points, count, valid: step(e, e.sub(count, points)) };
}
