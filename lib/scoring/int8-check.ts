import { pearson } from '../common/pearson.ts';

/** Scores of the unchanged item first, then of changed ones; [items][targets]. */
type Scores = readonly (readonly number[])[];

/** The clean score may move by this share of what the changes that were looked at do to it. */
const MOST_MOVED = 0.25;

/**
 * Scores of changed items in int8 and in float that correlate by less make no map that would pass; those of random masks,
 * whose map is nothing but a sum weighted by scores, must be nearer.
 */
const LEAST_CORRELATION = { chosen: 0.8, random: 0.97 } as const;
const ENOUGH = 6;

/** Why int8 scores are not to be relied upon: they move the clean score, or go other ways than the float ones. */
export function distrust(float: Scores, int8: Scores, random = false): string | undefined {
  const least = LEAST_CORRELATION[random ? 'random' : 'chosen'];
  for (const [t, clean] of float[0]!.entries()) {
    const [a, b] = [float.map(row => row[t]!), int8.map(row => row[t]!)];
    const moved = Math.abs(b[0]! - clean);
    const effect = Math.max(...a.map(score => Math.abs(score - clean)));
    // Rounding of floats moves scores as well: nothing else is to be seen where nothing has an effect.
    if (!(moved <= MOST_MOVED * effect) && moved > 1e-6 * Math.abs(clean))
      return `they move the score of the unchanged picture by ${moved.toPrecision(2)}, where changes move it by up to ${effect.toPrecision(2)}`;
    const alike = pearson(a, b) ?? Number.NaN;
    if (a.length > ENOUGH && effect > 0 && !(alike >= least))
      return `its scores of ${a.length} pictures correlate with the float ones by ${alike.toFixed(3)} only`;
  }
  return undefined;
}
