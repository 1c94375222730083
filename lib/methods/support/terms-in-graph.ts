import type { Emitter } from '../../autodiff/emitter.ts';
import { reduce, reduceSum } from '../../autodiff/forms.ts';
import type { Value } from '../../autodiff/value.ts';

/** Pieces of methods that sum over channels, as nodes; the axes behind the channels are positions. */

const positionAxes = ({ dims }: Value): number[] => dims.map((_, axis) => axis).slice(2);

/** [N, C, 1, …]; a lazy gradient's one value is its mean. */
export function meanOverPositions(emit: Emitter, x: Value): Value {
  const axes = positionAxes(x);
  return axes.every(axis => x.dims[axis] === 1) ? x : reduce(emit, 'ReduceMean', x, axes);
}

/** [N, C, 1, …] */
export function sumOverPositions(emit: Emitter, x: Value): Value {
  return reduceSum(emit, x, positionAxes(x));
}

/** One value for each channel [N, C] as [N, C, 1, …], beside feature maps. */
export function perChannel(emit: Emitter, values: Value, { dims }: Value): Value {
  return emit.reshape(values, [...values.dims, ...dims.slice(2).map(() => 1)]);
}

/** w_k A_k with weights [N, C, 1, …], which the caller sums over channels. */
export function weightedTerms(emit: Emitter, activations: Value, weights: Value): { readonly terms: Value } {
  return { terms: emit.mul(activations, weights) };
}

/** a where `where` is 0, b where it is 1. */
export function chosen(emit: Emitter, where: Value, a: Value, b: Value): Value {
  return emit.add(a, emit.mul(where, emit.sub(b, a)));
}

/** 1 where a < b, else 0. */
export function less(emit: Emitter, a: Value, b: Value): Value {
  return emit.greater(b, a);
}
