/** Operators whose attributes became inputs over the opsets: each function emits the form of the graph's own opset. */
import { type AttributeValue, float, floats } from '../model/graph/attributes.ts';
import type { Emitter } from './emitter.ts';
import { range, replaceAt, type Value } from './value.ts';

/** Sum over axes, which stay as size 1. */
export function reduceSum(e: Emitter, x: Value, axes: readonly number[]): Value {
  return reduce(e, 'ReduceSum', x, axes);
}

/** Any Reduce operator over axes that stay as size 1. */
export function reduce(e: Emitter, op: string, x: Value, axes: readonly number[]): Value {
  if (axes.length === 0) return x;
  const dims = x.dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
  if (e.opset >= (op === 'ReduceSum' ? 13 : 18))
    return e.node(op, [x, e.ints(axes)], { type: x.type, dims }, { keepdims: 1 });
  return e.node(op, [x], { type: x.type, dims }, { axes, keepdims: 1 });
}

const LAST = Number(2n ** 31n - 1n);

/** x[start : start + length] along one axis. */
export function sliceAxis(e: Emitter, x: Value, axis: number, start: number, length: number): Value {
  if (start === 0 && length === x.dims[axis]) return x;
  return sliceAxes(e, x, [{ axis, start, end: start + length, step: 1, length }]);
}

/** Several axes at once; `length` is the size that results (−1 if dynamic). A step other than 1 needs opset 10. */
export function sliceAxes(
  e: Emitter,
  x: Value,
  cuts: readonly { axis: number; start: number; end: number; step: number; length: number }[],
): Value {
  if (cuts.length === 0) return x;
  let dims = [...x.dims];
  for (const { axis, length } of cuts) dims = replaceAt(dims, axis, length);
  const [starts, ends, axes, steps] = (['start', 'end', 'axis', 'step'] as const).map(key => cuts.map(cut => cut[key]));
  if (e.opset < 10) return e.node('Slice', [x], { type: x.type, dims }, { starts: starts!, ends: ends!, axes: axes! });
  const inputs = [x, e.ints(starts!), e.ints(ends!), e.ints(axes!)];
  if (steps!.some(step => step !== 1)) inputs.push(e.ints(steps!));
  return e.node('Slice', inputs, { type: x.type, dims });
}

/** Every `step`-th element along an axis, `length` of them from `start`. */
export function strided(e: Emitter, x: Value, axis: number, start: number, step: number, length: number): Value {
  if (step === 1) return sliceAxis(e, x, axis, start, length);
  const end = start + (length - 1) * step + 1;
  if (e.opset >= 10) return sliceAxes(e, x, [{ axis, start, end, step, length }]);
  return gather(
    e,
    x,
    axis,
    range(length).map(index => start + index * step),
  );
}

/** Reversal of some axes, whose sizes must be static. */
export function flip(e: Emitter, x: Value, axes: readonly number[]): Value {
  const long = axes.filter(axis => x.dims[axis] !== 1);
  if (long.length === 0) return x;
  if (e.opset >= 10)
    return sliceAxes(
      e,
      x,
      long.map(axis => ({ axis, start: -1, end: -LAST, step: -1, length: x.dims[axis]! })),
    );
  return long.reduce((value, axis) => gather(e, value, axis, range(x.dims[axis]!).reverse()), x);
}

/** Rows of a constant list of indices along an axis. */
export function gather(e: Emitter, x: Value, axis: number, indices: readonly number[]): Value {
  const dims = replaceAt(x.dims, axis, indices.length);
  return e.node('Gather', [x, e.ints(indices)], { type: x.type, dims }, { axis });
}

/** Adds constants (zeros by default) before and after each axis; negative amounts crop. */
export function pad(e: Emitter, x: Value, before: readonly number[], after: readonly number[], value = 0): Value {
  if (before.every(amount => amount === 0) && after.every(amount => amount === 0)) return x;
  const dims = x.dims.map((size, axis) => (size === -1 ? -1 : size + before[axis]! + after[axis]!));
  const pads = [...before, ...after];
  if (e.opset < 11) return e.node('Pad', [x], { type: x.type, dims }, { pads, value: float(value) });
  const inputs = value === 0 ? [x, e.ints(pads)] : [x, e.ints(pads), e.scalar(value, x)];
  return e.node('Pad', inputs, { type: x.type, dims });
}

/** Zeros before and after one axis. */
export function padAxis(e: Emitter, x: Value, axis: number, before: number, after: number, value = 0): Value {
  const zeros = x.dims.map(() => 0);
  return pad(e, x, replaceAt(zeros, axis, before), replaceAt(zeros, axis, after), value);
}

/** Splits an axis into pieces of the given sizes. */
export function split(e: Emitter, x: Value, axis: number, sizes: readonly number[]): Value[] {
  const outputs = sizes.map(size => ({ type: x.type, dims: replaceAt(x.dims, axis, size) }));
  if (e.opset < 13) return e.nodes('Split', [x], outputs, { axis, split: sizes });
  return e.nodes('Split', [x, e.ints(sizes)], outputs, { axis });
}

/** Repeats every element along each axis by a whole factor (nearest-neighbour enlargement). */
export function repeatElements(e: Emitter, x: Value, factors: readonly number[]): Value {
  if (factors.every(factor => factor === 1)) return x;
  const output = { type: x.type, dims: x.dims.map((size, axis) => (size === -1 ? -1 : size * factors[axis]!)) };
  if (e.opset < 9) return e.node('Upsample', [x], output, { mode: 'nearest', scales: floats(factors) });
  const scales = e.constant(factors, 'float32', [factors.length]);
  if (e.opset < 10) return e.node('Upsample', [x, scales], output, { mode: 'nearest' });
  if (e.opset < 11) return e.node('Resize', [x, scales], output, { mode: 'nearest' });
  const attributes: Record<string, AttributeValue> = {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  };
  // The region of interest is unused but not optional before opset 13.
  const region = e.opset < 13 ? e.constant([], 'float32', [0]) : undefined;
  return e.node('Resize', [x, region, scales], output, attributes);
}

/** x between two numbers. */
export function clamp(e: Emitter, x: Value, low: number, high: number): Value {
  if (e.opset < 11) return e.unary('Clip', x, { min: float(low), max: float(high) });
  return e.node('Clip', [x, e.scalar(low, x), e.scalar(high, x)], x);
}
