import { orderPixels } from '../../kernels/pixel-order.ts';

/** Pearson's correlation; null where one of the two does not vary. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < a.length; i++) {
    const u = a[i]! - meanA;
    const v = b[i]! - meanB;
    product += u * v;
    squaresA += u * u;
    squaresB += v * v;
  }
  if (isFlat(a) || isFlat(b)) return null;
  return Math.min(1, Math.max(-1, product / Math.sqrt(squaresA) / Math.sqrt(squaresB)));
}

/** Spearman's rank correlation; equal values share the mean of their ranks. null where one of the two does not vary. */
export async function spearman(a: Float32Array, b: Float32Array): Promise<number | null> {
  const [orderA, orderB] = await Promise.all([orderPixels(a), orderPixels(b)]);
  return pearson(meanRanks(a, orderA), meanRanks(b, orderB));
}

/** Place of each value in a descending order, from 0; equal values share the mean of theirs. */
export function meanRanks(values: ArrayLike<number>, order: Uint32Array): Float64Array {
  const ranks = new Float64Array(order.length);
  for (let begin = 0; begin < order.length; ) {
    let end = begin + 1;
    while (end < order.length && values[order[end]!] === values[order[begin]!]) end++;
    for (let i = begin; i < end; i++) ranks[order[i]!] = (begin + end - 1) / 2;
    begin = end;
  }
  return ranks;
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** Compared value by value: a mean that was rounded leaves deviations where there are none. */
function isFlat(values: ArrayLike<number>): boolean {
  for (let i = 1; i < values.length; i++) if (values[i] !== values[0]) return false;
  return true;
}
