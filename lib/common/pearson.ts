/** Pearson's correlation of two rows of the same length; null where one of the two does not vary. */
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
