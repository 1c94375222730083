/**
 * NumPy's quantile, method linear: at q · (count − 1) of the ascending order, between the two neighbours.
 * @param at the i-th value of that order
 * @param q in [0, 1]
 */
export function quantileAt(count: number, at: (i: number) => number, q: number): number {
  const place = (count - 1) * q;
  const below = Math.min(Math.floor(place), count - 1);
  return between(at(below), at(Math.min(below + 1, count - 1)), place - below);
}

/** From the nearer end, as NumPy does: exact at both. */
export function between(low: number, high: number, share: number): number {
  return share < 0.5 ? low + (high - low) * share : high - (high - low) * (1 - share);
}
