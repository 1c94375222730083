/**
 * NumPy's linear percentile of float32 values, as the float32 that it returns.
 * @param at the i-th value of the ascending order
 */
export function percentileOf(count: number, at: (i: number) => number, percent: number): number {
  const place = (count - 1) * (percent / 100);
  const below = Math.min(Math.floor(place), count - 1);
  const [low, high] = [at(below), at(Math.min(below + 1, count - 1))];
  const share = place - below;
  // From the nearer end, as NumPy does: exact where the place is a whole number.
  return Math.fround(share < 0.5 ? low + (high - low) * share : high - (high - low) * (1 - share));
}
