/** A value over a data set, and the threshold at which it is reached. */
export interface MaxBoxAcc {
  readonly value: number;
  /** Index of the first threshold of the curves at which the accuracy for the first `delta` is largest. */
  readonly at: number;
}

/**
 * MaxBoxAcc over a data set: the share of pictures whose box overlaps by at least δ, at the one threshold for all pictures that is
 * best; with several δ the mean of these.
 * @param curves of each picture: the best IoU at each threshold (the measurement's `curve.y`)
 * @param times how often each picture counts (resampling); once without
 * @returns null without pictures
 */
export function maxBoxAcc(
  curves: readonly ArrayLike<number>[],
  deltas: readonly number[],
  times?: ArrayLike<number>,
): MaxBoxAcc | null {
  const thresholds = curves[0]?.length ?? 0;
  let images = 0;
  for (let i = 0; i < curves.length; i++) images += times?.[i] ?? 1;
  if (images === 0) return null;
  const best = deltas.map(delta => {
    const hits = new Float64Array(thresholds);
    for (const [image, curve] of curves.entries()) {
      const weight = times?.[image] ?? 1;
      for (let t = 0; t < thresholds; t++) if (curve[t]! >= delta) hits[t]! += weight;
    }
    const most = hits.reduce((a, b) => Math.max(a, b), 0);
    return { most, at: hits.indexOf(most) };
  });
  return { value: best.reduce((sum, { most }) => sum + most / images, 0) / deltas.length, at: best[0]!.at };
}
