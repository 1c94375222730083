import type { Direction } from '../metrics/definition.ts';
import { type Interval, Pause, percentileInterval, type Resampling, resampledMeans } from './bootstrap.ts';
import { isControl } from './direction.ts';
import type { MapMaker } from './rows.ts';
import { holm, momentsOf, ranksOf, wilcoxon } from './statistics.ts';

/** Two makers of maps on the images where both have a value. */
export interface Comparison {
  /** Canonical name. */
  readonly metric: string;
  /** One maker of maps. */
  readonly a: MapMaker;
  /** The other. */
  readonly b: MapMaker;
  /** Images. */
  readonly n: number;
  /** Of a − b. */
  readonly difference: number;
  /** Standard error of the difference; null for fewer than two images. */
  readonly se: number | null;
  /** Bootstrap over images; null for fewer than two. */
  readonly ci95: Interval | null;
  /** Images on which a is better, in the metric's direction. */
  readonly wins: number;
  /** Images on which both are equal. */
  readonly ties: number;
  /** Images on which b is better. */
  readonly losses: number;
  /** wins / n. */
  readonly win: number;
  /** Two-sided Wilcoxon signed-rank test. */
  readonly p: number;
  /** Corrected by Holm for the pairs of the metric. */
  readonly pHolm: number;
}

/** One maker's values of a metric, NaN where there is none, and their means over the resamples. */
export interface Compared {
  readonly maker: MapMaker;
  readonly values: Float64Array;
  readonly means: Float64Array;
}

/**
 * All pairs of one metric but those of two controls.
 * @throws `ERR_ABORTED`
 */
export async function comparePairs(
  metric: string,
  direction: Direction,
  makers: readonly Compared[],
  how: Resampling,
): Promise<Comparison[]> {
  const pairs = makers
    .flatMap((a, i) => makers.slice(i + 1).map(b => [a, b] as const))
    .filter(([a, b]) => !(isControl(a.maker.method) && isControl(b.maker.method)));
  // Where both lack the same images the mean of differences is the difference of means.
  const differing = pairs.filter(([a, b]) => !lackTheSame(a.values, b.values));
  const differences = differing.map(([a, b]) => difference(a.values, b.values));
  const means = new Map((await resampledMeans(differences, how)).map((column, i) => [differing[i]!, column]));
  const found: Omit<Comparison, 'pHolm'>[] = [];
  const pause = new Pause(how.signal);
  for (const pair of pairs) {
    const one = compare(metric, direction, pair, means.get(pair));
    if (one) found.push(one);
    if (pause.isDue) await pause.take();
  }
  const corrected = holm(found.map(({ p }) => p));
  return found.map((one, i) => ({ ...one, pHolm: corrected[i]! }));
}

/** Nothing without an image on which both have a value. @param means of the differences; else of both */
function compare(
  metric: string,
  direction: Direction,
  [a, b]: readonly [Compared, Compared],
  means: Float64Array | undefined,
): Omit<Comparison, 'pHolm'> | undefined {
  const differences = difference(a.values, b.values).filter(value => !Number.isNaN(value));
  const moments = momentsOf(differences);
  if (!moments) return undefined;
  const { n, mean, se } = moments;
  const [lower, higher] = [differences.filter(d => d < 0).length, differences.filter(d => d > 0).length];
  const [wins, losses] = direction === 'higher' ? [higher, lower] : [lower, higher];
  const ci95 = n < 2 ? null : percentileInterval(means ?? difference(a.means, b.means));
  const counts = { wins, ties: n - wins - losses, losses, win: wins / n };
  return { metric, a: a.maker, b: b.maker, n, difference: mean, se, ci95, ...counts, p: wilcoxon(differences) };
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value - b[i]!);
}

function lackTheSame(a: Float64Array, b: Float64Array): boolean {
  return a.every((value, i) => Number.isNaN(value) === Number.isNaN(b[i]!));
}

/**
 * The mean over images of the rank that each maker has there, 1 for the best; equal values share the mean of their ranks. Counted on
 * the images where all have a value; who has none at all takes no part.
 * @returns null for these, and where there is no such image
 */
export function meanRanks(
  columns: readonly Float64Array[],
  direction: Direction,
): { readonly ranks: readonly (number | null)[]; readonly images: number } {
  const taking = columns.flatMap((column, c) => (column.every(Number.isNaN) ? [] : [c]));
  const sums = new Float64Array(columns.length);
  let images = 0;
  for (let i = 0; i < (columns[0]?.length ?? 0); i++) {
    const values = taking.map(c => columns[c]![i]!);
    if (values.some(Number.isNaN)) continue;
    images++;
    ranksOf(direction === 'lower' ? values : values.map(value => -value)).forEach((rank, place) => {
      sums[taking[place]!]! += rank;
    });
  }
  return { images, ranks: columns.map((_, c) => (images > 0 && taking.includes(c) ? sums[c]! / images : null)) };
}
