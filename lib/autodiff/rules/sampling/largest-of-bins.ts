import type { NodeContext } from '../../context.ts';
import type { Emitter } from '../../emitter.ts';
import type { Value } from '../../value.ts';

/** What each bin of a box chooses from along one side of a map. */
export interface BinCells {
  /** One cell in a row, times a weight that is not negative: [boxes, 1, bins·most, cells], as many rows for every bin. */
  readonly chosen: Value;
  /** 0 for bins that choose nothing: [boxes, 1, bins, 1], or [boxes, 1, 1, 1] for all of a box. */
  readonly filled: Value | undefined;
  readonly bins: number;
}

/**
 * The largest of what each bin chooses in a map: [boxes, channels, bins, bins]. The columns of all bins are taken side by side, then
 * their rows, which finds the same, since no weight is negative; of equal ones the first in row-major order counts.
 * @param maps the map of each box, or the one of all
 */
export function largestOfBins({ emit: e }: NodeContext, maps: Value, rows: BinCells, columns: BinCells): Value {
  const boxes = rows.chosen.dims[0]!;
  const [, channels, height] = maps.dims as [number, number, number];
  const [tall, wide] = [rows.bins, columns.bins];

  const side = e.matMul(maps, e.transpose(columns.chosen, [0, 1, 3, 2]));
  const split = copied(e, side, [0, 0, 0, wide, -1], [boxes, channels, height, wide, -1]);
  const across = copied(e, first(e, split, 4), [0, 0, 0, 0], [boxes, channels, height, wide]);

  const stack = e.matMul(rows.chosen, across);
  const parts = copied(e, stack, [0, 0, tall, -1, wide], [boxes, channels, tall, -1, wide]);
  const most = copied(e, first(e, parts, 3), [0, 0, tall, wide], [boxes, channels, tall, wide]);
  const filled = [rows.filled, columns.filled && e.transpose(columns.filled, [0, 1, 3, 2])];
  return filled.reduce<Value>((value, mask) => (mask ? e.mul(value, mask) : value), most);
}

/** The largest along an axis, the first of equal ones. */
function first(e: Emitter, x: Value, axis: number): Value {
  const dims = x.dims.with(axis, 1);
  const outputs = [
    { type: x.type, dims },
    { type: 'int64' as const, dims },
  ];
  const [values] =
    e.opset < 10 ? e.nodes('TopK', [x], outputs, { axis, k: 1 }) : e.nodes('TopK', [x, e.ints([1])], outputs, { axis });
  return values!;
}

/** Reshape with zeros for sizes that are kept, so that two of them may be dynamic. */
export const copied = (e: Emitter, x: Value, shape: readonly number[], dims: readonly number[]): Value =>
  e.node('Reshape', [x, e.ints(shape)], { type: x.type, dims });
