import { setImmediate as turn } from 'node:timers/promises';
import { throwIfAborted } from '../common/errors.ts';
import { Random } from '../common/random.ts';
import { selectQuantile } from './statistics.ts';

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

/** How often a run's resamples hold each image: the same whatever is asked of them. */
export class Resamples {
  readonly #random: Random;
  readonly #times: Uint32Array;

  constructor({ images, seed }: Pick<Resampling, 'images' | 'seed'>) {
    this.#random = new Random(seed);
    this.#times = new Uint32Array(images);
  }

  /** The next resample, in an array that is used again. */
  next(): Uint32Array {
    const times = this.#times.fill(0);
    const images = times.length;
    for (let i = 0; i < images; i++) times[Math.floor(this.#random.uniform() * images)]!++;
    return times;
  }
}

/** Lets others have their turn in long work. */
export class Pause {
  readonly #signal: AbortSignal | undefined;
  #since = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  get isDue(): boolean {
    return performance.now() - this.#since >= SLICE;
  }

  /** @throws `ERR_ABORTED` */
  async take(): Promise<void> {
    await turn();
    throwIfAborted(this.#signal);
    this.#since = performance.now();
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
    const pause = new Pause(signal);
    for (let b = 0; b < resamples; b++) {
      const times = draws.next();
      addUp(times, table, sums);
      for (let c = 0; c < width; c++) means[first + c]![b] = sums[c]! / images;
      if (gaps.length > 0) {
        addUp(times, present, counts);
        gaps.forEach((c, g) => {
          means[first + c]![b] = sums[c]! / counts[g]!;
        });
      }
      if (pause.isDue) await pause.take();
    }
  }
  return means;
}

/** Sums of the rows of a table, each so many times. */
function addUp(times: Uint32Array, table: Float64Array | Uint8Array, sums: Float64Array | Uint32Array): void {
  const width = sums.length;
  sums.fill(0);
  for (let i = 0; i < times.length; i++) {
    const count = times[i]!;
    // More than a third of the images are in no resample.
    if (count === 0) continue;
    const at = i * width;
    for (let c = 0; c < width; c++) sums[c]! += count * table[at + c]!;
  }
}

/** The percentile interval of 95 %; resamples without a value are left out. Null where none has one. */
export function percentileInterval(resampled: Float64Array): Interval | null {
  const values = resampled.filter(value => !Number.isNaN(value));
  return values.length === 0 ? null : [selectQuantile(values, 0.025), selectQuantile(values, 0.975)];
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
  const pause = new Pause(signal);
  for (let b = 0; b < resamples; b++) {
    figures[b] = figureOf(draws.next()) ?? Number.NaN;
    if (pause.isDue) await pause.take();
  }
  return percentileInterval(figures);
}
