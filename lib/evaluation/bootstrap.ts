import { setImmediate as turn } from 'node:timers/promises';
import { throwIfAborted } from '../common/errors.ts';
import { Random } from '../common/random.ts';
import { selectQuantile } from './statistics.ts';

export const RESAMPLES = 10_000;

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

/** A 95 % interval. */
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
  const values = columns.map(column => column.map(value => (Number.isNaN(value) ? 0 : value)));
  // Of the columns that lack values: which images have one.
  const gaps = columns.flatMap((column, c) => (column.some(Number.isNaN) ? [c] : []));
  const present = gaps.map(c => columns[c]!.map(value => (Number.isNaN(value) ? 0 : 1)));
  const [summed, counted] = [inFours(values, images), inFours(present, images)];
  const [sums, counts] = [new Float64Array(columns.length), new Float64Array(gaps.length)];
  const draws = new Resamples(how);
  const pause = new Pause(signal);
  for (let b = 0; b < resamples; b++) {
    const times = draws.next();
    addUp(times, summed, sums);
    addUp(times, counted, counts);
    for (let c = 0; c < columns.length; c++) means[c]![b] = sums[c]! / images;
    for (let g = 0; g < gaps.length; g++) means[gaps[g]!]![b] = sums[gaps[g]!]! / counts[g]!;
    if (pause.isDue) await pause.take();
  }
  return means;
}

/** Columns side by side, four in an array: their sums stay in registers. */
function inFours(columns: readonly Float64Array[], images: number): Float64Array[] {
  return Array.from({ length: Math.ceil(columns.length / 4) }, (_, part) => {
    const table = new Float64Array(4 * images);
    for (let c = 0; c < 4 && 4 * part + c < columns.length; c++) {
      const column = columns[4 * part + c]!;
      for (let i = 0; i < images; i++) table[4 * i + c] = column[i]!;
    }
    return table;
  });
}

/** Sums of columns, each image so many times. */
function addUp(times: Uint32Array, tables: readonly Float64Array[], sums: Float64Array): void {
  for (let part = 0; part < tables.length; part++) {
    const table = tables[part]!;
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0, at = 0; i < times.length; i++, at += 4) {
      const count = times[i]!;
      a += count * table[at]!;
      b += count * table[at + 1]!;
      c += count * table[at + 2]!;
      d += count * table[at + 3]!;
    }
    // Places beyond the end are ignored.
    sums[4 * part] = a;
    sums[4 * part + 1] = b;
    sums[4 * part + 2] = c;
    sums[4 * part + 3] = d;
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
