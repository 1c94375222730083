import { SLICE } from './slices.ts';
import { toEnd } from './to-end.ts';

type Values = ArrayLike<number>;

/** Pearson's correlation of two rows of the same length; null where one of the two does not vary. */
export function pearson(a: Values, b: Values): number | null {
  return toEnd(pearsonSteps(a, b));
}

/** The same in steps, for large maps. */
export function* pearsonSteps(a: Values, b: Values): Generator<void, number | null> {
  const meanA = yield* meanSteps(a);
  const meanB = yield* meanSteps(b);
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  // Compared value by value: a mean that was rounded leaves deviations where there are none.
  let [varyA, varyB] = [false, false];
  for (let begin = 0; begin < a.length; begin += SLICE) {
    if (begin > 0) yield;
    const end = Math.min(a.length, begin + SLICE);
    for (let i = begin; i < end; i++) {
      const u = a[i]! - meanA;
      const v = b[i]! - meanB;
      product += u * v;
      squaresA += u * u;
      squaresB += v * v;
      if (a[i] !== a[0]) varyA = true;
      if (b[i] !== b[0]) varyB = true;
    }
  }
  if (!varyA || !varyB) return null;
  return Math.min(1, Math.max(-1, product / Math.sqrt(squaresA) / Math.sqrt(squaresB)));
}

function* meanSteps(values: Values): Generator<void, number> {
  let sum = 0;
  for (let begin = 0; begin < values.length; begin += SLICE) {
    if (begin > 0) yield;
    const end = Math.min(values.length, begin + SLICE);
    for (let i = begin; i < end; i++) sum += values[i]!;
  }
  return sum / values.length;
}
