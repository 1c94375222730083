/** Scores of the unchanged item first, then of changed ones; [items][targets]. */
type Scores = readonly (readonly number[])[];

/** The clean score may move by this share of what the changes that were looked at do to it. */
const MOST_MOVED = 0.25;

/** What scores of changed items in int8 and in float must correlate by, where there are enough to say so. */
const LEAST_CORRELATION = 0.95;
const ENOUGH = 6;

/** Why int8 scores are not to be relied upon: they move the clean score, or go other ways than the float ones. */
export function distrust(float: Scores, int8: Scores): string | undefined {
  for (const [t, clean] of float[0]!.entries()) {
    const [a, b] = [float.map(row => row[t]!), int8.map(row => row[t]!)];
    const moved = Math.abs(b[0]! - clean);
    const effect = Math.max(...a.map(score => Math.abs(score - clean)));
    // Rounding of floats moves scores as well: nothing else is to be seen where nothing has an effect.
    if (!(moved <= MOST_MOVED * effect) && moved > 1e-6 * Math.abs(clean))
      return `they move the score of the unchanged picture by ${moved.toPrecision(2)}, where changes move it by up to ${effect.toPrecision(2)}`;
    const alike = correlation(a, b);
    if (a.length > ENOUGH && effect > 0 && !(alike >= LEAST_CORRELATION))
      return `its scores of ${a.length} pictures correlate with the float ones by ${alike.toFixed(3)} only`;
  }
  return undefined;
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  const sum = (term: (i: number) => number) => a.reduce((so, _, i) => so + term(i), 0);
  const product = sum(i => (a[i]! - ma) * (b[i]! - mb));
  return product / Math.sqrt(sum(i => (a[i]! - ma) ** 2) * sum(i => (b[i]! - mb) ** 2));
}
