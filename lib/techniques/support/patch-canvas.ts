import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Size } from '../../image/geometry.ts';
import type { Maps } from '../../kernels/types.ts';

/** Between two turns of the event loop: some milliseconds. */
const PIXELS_AT_ONCE = 2 ** 17;

/** Where a window lies in an enlarged image. */
export interface PatchPlace {
  readonly image: Size;
  readonly window: Size;
  readonly x: number;
  readonly y: number;
}

/**
 * Maps of windows put together over the input. Each is pasted into zeros of the enlarged image's size, and that is reduced to the
 * input's: bilinear, half-pixel, not antialiased, as cv2.resize does; only pixels that the window touches are computed.
 */
export class PatchCanvas {
  readonly #size: Size;
  readonly #fuse: 'mean' | 'max';
  /** For each target. */
  #sums: Float64Array[] = [];
  #counts: Uint32Array[] = [];
  #heaviest: number[] = [];

  constructor(size: Size, fuse: 'mean' | 'max') {
    this.#size = size;
    this.#fuse = fuse;
  }

  /** Targets of whose windows none has a weight. */
  get weightless(): number[] {
    return this.#heaviest.flatMap((weight, t) => (weight === 0 ? [t] : []));
  }

  /**
   * @param maps [N, h, w] of the window's size; one may serve several targets
   * @param weights of each target; undefined where the window does not count
   */
  async draw(maps: Maps, place: PatchPlace, weights: readonly (number | undefined)[]): Promise<void> {
    const { width, height } = this.#size;
    const columns = axisTaps(width, place.image.width, place.x, place.window.width);
    const rows = axisTaps(height, place.image.height, place.y, place.window.height);
    const area = place.window.width * place.window.height;
    const atOnce = Math.max(1, Math.floor(PIXELS_AT_ONCE / columns.length));
    for (const [t, weight] of weights.entries()) {
      this.#sums[t] ??= new Float64Array(width * height);
      this.#counts[t] ??= new Uint32Array(width * height);
      this.#heaviest[t] ??= 0;
      if (weight === undefined) continue;
      this.#heaviest[t] = Math.max(this.#heaviest[t]!, weight);
      const n = Math.min(t, maps.dims[0] - 1);
      const values = maps.data.subarray(n * area, (n + 1) * area);
      for (let from = 0; from < rows.length; from += atOnce) {
        if (from > 0) await nextTurn();
        this.#add(t, values, place.window, rows.slice(from, from + atOnce), columns, weight);
      }
    }
  }

  /** [N, H, W], with the weights divided by the largest of each target. */
  result(): Maps {
    const { width, height } = this.#size;
    const area = width * height;
    const data = new Float32Array(this.#sums.length * area);
    for (const [t, sums] of this.#sums.entries()) {
      const heaviest = this.#heaviest[t]! || 1;
      const counts = this.#counts[t]!;
      const isMean = this.#fuse === 'mean';
      for (let i = 0; i < area; i++) {
        const by = isMean ? counts[i]! * heaviest : heaviest;
        data[t * area + i] = by > 0 ? sums[i]! / by : 0;
      }
    }
    return { data, dims: [this.#sums.length, height, width] };
  }

  #add(
    t: number,
    values: Float32Array,
    window: Size,
    rows: readonly Tap[],
    columns: readonly Tap[],
    weight: number,
  ): void {
    const [sums, counts] = [this.#sums[t]!, this.#counts[t]!];
    const isMean = this.#fuse === 'mean';
    const at = (y: number, x: number) =>
      y < 0 || x < 0 || y >= window.height || x >= window.width ? 0 : values[y * window.width + x]!;
    for (const row of rows)
      for (const column of columns) {
        const above = at(row.low, column.low) * (1 - column.share) + at(row.low, column.high) * column.share;
        const below = at(row.high, column.low) * (1 - column.share) + at(row.high, column.high) * column.share;
        const value = weight * (above * (1 - row.share) + below * row.share);
        // NaN is passed on.
        if (value <= 0) continue;
        const pixel = row.pixel * this.#size.width + column.pixel;
        if (isMean) {
          sums[pixel]! += value;
          counts[pixel]!++;
        } else if (value > sums[pixel]! || Number.isNaN(value)) sums[pixel] = value;
      }
  }
}

/** A pixel of the result along one axis, and the two of the window that it lies between (outside: what is pasted around it). */
interface Tap {
  readonly pixel: number;
  readonly low: number;
  readonly high: number;
  /** Of the higher one. */
  readonly share: number;
}

/** Of the pixels that the window touches. */
function axisTaps(length: number, image: number, start: number, window: number): Tap[] {
  const taps: Tap[] = [];
  const scale = image / length;
  const first = Math.max(0, Math.floor((start - 1) / scale) - 1);
  for (let pixel = first; pixel < length; pixel++) {
    const source = Math.max(0, (pixel + 0.5) * scale - 0.5);
    const low = Math.min(image - 1, Math.floor(source));
    const high = Math.min(image - 1, low + 1);
    if (low - start >= window) break;
    if (high - start < 0) continue;
    taps.push({ pixel, low: low - start, high: high - start, share: low === image - 1 ? 0 : source - low });
  }
  return taps;
}
