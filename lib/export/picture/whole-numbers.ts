// Arithmetic of sizes that are only known when the model runs: int64 tensors, scalars mostly, which every runtime computes exactly.
import type { Emitter } from '../../autodiff/emitter.ts';
import { broadcastDims, type Value } from '../../autodiff/value.ts';

/** A number that is known already, [] */
export const whole = (emit: Emitter, value: number): Value => emit.constant(value, 'int64');

/** The size of an axis when the model runs, [] */
export function sizeOfAxis(emit: Emitter, x: Value, axis: number): Value {
  return emit.node('Gather', [emit.shapeOf(x), whole(emit, axis)], { type: 'int64', dims: [] }, { axis: 0 });
}

/** a < b, bool. */
export function isBelow(emit: Emitter, a: Value, b: Value): Value {
  return emit.node('Less', [a, b], { type: 'bool', dims: broadcastDims(a.dims, b.dims) });
}

/** The larger of two, by itself: Max takes no whole numbers before opset 12. */
export function larger(emit: Emitter, a: Value, b: Value): Value {
  return emit.node('Where', [isBelow(emit, a, b), b, a], { type: 'int64', dims: broadcastDims(a.dims, b.dims) });
}

/** The smaller of two. */
export function smaller(emit: Emitter, a: Value, b: Value): Value {
  return emit.node('Where', [isBelow(emit, a, b), a, b], { type: 'int64', dims: broadcastDims(a.dims, b.dims) });
}

/** From `low` to `high`. */
export function within(emit: Emitter, x: Value, low: Value, high: Value): Value {
  return smaller(emit, larger(emit, x, low), high);
}

/** a · b / c without its fraction, of numbers ≥ 0. */
export function scaled(emit: Emitter, a: Value, b: Value, c: Value): Value {
  return emit.div(emit.mul(a, b), c);
}

/** a · b / c to the nearest, of two that are as near to the even one (Python's `round`), of numbers ≥ 0. */
export function scaledHalfEven(emit: Emitter, a: Value, b: Value, c: Value): Value {
  const two = whole(emit, 2);
  const doubled = emit.mul(c, two);
  const raised = emit.add(emit.mul(emit.mul(a, b), two), c);
  const nearest = emit.div(raised, doubled);
  const isOdd = emit.sub(nearest, emit.mul(emit.div(nearest, two), two));
  const isTie = emit.equal(emit.mul(nearest, doubled), raised);
  return emit.sub(nearest, emit.mul(isTie, isOdd));
}
