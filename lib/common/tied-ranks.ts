import { SLICE } from './slices.ts';
import { toEnd } from './to-end.ts';

/** Place of each value in an order of them, from 0; equal values, which stand side by side there, share the mean of theirs. */
export function tiedRanks(values: ArrayLike<number>, order: Uint32Array): Float64Array {
  return toEnd(tiedRankSteps(values, order));
}

/** The same in steps, for large maps. */
export function* tiedRankSteps(values: ArrayLike<number>, order: Uint32Array): Generator<void, Float64Array> {
  const ranks = new Float64Array(order.length);
  let pause = SLICE;
  for (let begin = 0; begin < order.length; ) {
    let end = begin + 1;
    while (end < order.length && values[order[end]!] === values[order[begin]!]) end++;
    for (let i = begin; i < end; i++) ranks[order[i]!] = (begin + end - 1) / 2;
    begin = end;
    if (begin < pause) continue;
    pause = begin + SLICE;
    yield;
  }
  return ranks;
}
