/**
 * The mean over classes of the mean over each class's pictures (TorchRay's pointing game; classes without pictures are left out).
 * @param values of each picture; null counts nowhere
 * @param classes of each picture
 * @param times how often each picture counts (resampling); once without
 * @returns null without a value
 */
export function classMean(
  values: readonly (number | null)[],
  classes: readonly (string | number)[],
  times?: ArrayLike<number>,
): number | null {
  const byClass = new Map<string | number, { sum: number; images: number }>();
  for (const [image, value] of values.entries()) {
    const weight = times?.[image] ?? 1;
    if (value === null || weight === 0) continue;
    const name = classes[image]!;
    let tally = byClass.get(name);
    if (!tally) byClass.set(name, (tally = { sum: 0, images: 0 }));
    tally.sum += weight * value;
    tally.images += weight;
  }
  if (byClass.size === 0) return null;
  let total = 0;
  for (const { sum, images } of byClass.values()) total += sum / images;
  return total / byClass.size;
}
