import { setImmediate as turn } from 'node:timers/promises';
import { throwIfAborted } from '../common/errors.ts';
import { Random } from '../common/random.ts';
import { quantileOf } from './statistics.ts';

export const RESAMPLES = 10_000;

/** Columns that are summed side by side; so many that a row of theirs stays in the first cache. */
const AT_ONCE = 64;
/** After so many milliseconds others have their turn. */
const SLICE = 15;

export interface Resampling {
  /** Images of the run, those without a value too. */
  readonly images: number;
  readonly seed: number;
  /** Default 10,000. */
  readonly resamples?: number;
  readonly signal?: AbortSignal;
}

export type Interval = readonly [low: number, high: number];

/**
 * Which images a run's resamples hold: the same whatever is asked of them. `next` gives one resample after the other, in an array that
 * is used again.
 */
export class Resamples {
  readonly #random: Random;
  readonly #drawn: Uint32Array;

  constructor({ images, seed }: Pick<Resampling, 'images' | 'seed'>) {
    this.#random = new Random(seed);
    this.#drawn = new Uint32Array(images);
  }

  next(): Uint32Array {
    const drawn = this.#drawn;
    for (let i = 0; i < drawn.length; i++) drawn[i] = Math.floor(this.#random.uniform() * drawn.length);
    return drawn;
  }
}

/**
 * Means of columns over resamples of the images, drawn with replacement. Lets the event loop turn in between.
 * @param columns a value for each image, NaN where there is none
 * @returns for each column the mean of every resample, NaN where a resample holds none of its values
 * @throws `ERR_ABORTED`
 */
export async function resampledMeans(columns: readonly Float64Array[], how: Resampling): Promise<Float64Array[]> {
  const { images, resamples = RESAMPLES, signal } = how;
  const means = columns.map(() => new Float64Array(resamples));
  for (let first = 0; first < columns.length; first += AT_ONCE) {
    const part = columns.slice(first, first + AT_ONCE);
    const width = part.length;
    const table = new Float64Array(images * width);
    // Of the columns that lack values: whether an image has one.
    const gaps = part.flatMap((column, c) => (column.some(Number.isNaN) ? [c] : []));
    const present = new Uint8Array(images * gaps.length);
    part.forEach((column, c) => {
      for (let i = 0; i < images; i++) table[i * width + c] = Number.isNaN(column[i]!) ? 0 : column[i]!;
    });
    gaps.forEach((c, g) => {
      for (let i = 0; i < images; i++) present[i * gaps.length + g] = Number.isNaN(part[c]![i]!) ? 0 : 1;
    });
    const sums = new Float64Array(width);
    const counts = new Uint32Array(gaps.length);
    const draws = new Resamples(how);
    let since = performance.now();
    for (let b = 0; b < resamples; b++) {
      const drawn = draws.next();
      sumDrawn(drawn, table, sums);
      for (let c = 0; c < width; c++) means[first + c]![b] = sums[c]! / images;
      if (gaps.length > 0) {
        sumDrawn(drawn, present, counts);
        gaps.forEach((c, g) => {
          means[first + c]![b] = sums[c]! / counts[g]!;
        });
      }
      if (performance.now() - since < SLICE) continue;
      await turn();
      throwIfAborted(signal);
      since = performance.now();
    }
  }
  return means;
}

/** Sums of the drawn rows of a table. */
function sumDrawn(drawn: Uint32Array, table: Float64Array | Uint8Array, sums: Float64Array | Uint32Array): void {
  const width = sums.length;
  sums.fill(0);
  for (let i = 0; i < drawn.length; i++) {
    const at = drawn[i]! * width;
    for (let c = 0; c < width; c++) sums[c]! += table[at + c]!;
  }
}

/** The percentile interval of 95 %; resamples without a value are left out. Null where none has one. */
export function percentileInterval(resampled: Float64Array): Interval | null {
  const sorted = resampled.filter(value => !Number.isNaN(value)).sort();
  return sorted.length === 0 ? null : [quantileOf(sorted, 0.025), quantileOf(sorted, 0.975)];
}

/**
 * The interval of any figure of several images, computed again for every resample.
 * @param figureOf of images that count so many times each; null where it is not defined
 * @throws `ERR_ABORTED`
 */
export async function resampledInterval(
  figureOf: (times: Uint32Array) => number | null,
  how: Resampling,
): Promise<Interval | null> {
  const { images, resamples = RESAMPLES, signal } = how;
  if (images < 2) return null;
  const figures = new Float64Array(resamples);
  const draws = new Resamples(how);
  const times = new Uint32Array(images);
  let since = performance.now();
  for (let b = 0; b < resamples; b++) {
    times.fill(0);
    for (const image of draws.next()) times[image]!++;
    figures[b] = figureOf(times) ?? Number.NaN;
    if (performance.now() - since < SLICE) continue;
    await turn();
    throwIfAborted(signal);
    since = performance.now();
  }
  return percentileInterval(figures);
}
