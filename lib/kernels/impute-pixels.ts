import type { PictureShape } from './picture-values.ts';

export interface ImputeOptions {
  /** Deviation of the normal noise on imputed values; default 0. */
  readonly noise?: number;
  /** Of 32 bits; default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/**
 * One picture for each range: pixels `order[begin … end)` removed and filled by ROAD's linear imputation from those that are
 * left. Noise depends on the seed and the range's bounds alone. With nothing left it is zeros.
 */
export async function imputePixels(
  image: Float32Array,
  shape: PictureShape,
  order: Uint32Array,
  ranges: readonly (readonly [begin: number, end: number])[],
  { noise = 0, seed = 0, signal }: ImputeOptions = {},
): Promise<Float32Array[]> {
  signal?.throwIfAborted();
  if (noise > 0) throw new TypeError(`noise ${noise} of seed ${seed} is for the native kernel`);
  return ranges.map(([begin, end]) => relaxed(image, shape, order.subarray(begin, end)));
}

const NEIGHBOURS = [-1, 0, 1]
  .flatMap(dy => [-1, 0, 1].map(dx => ({ dy, dx, weight: dy === 0 || dx === 0 ? 1 / 6 : 1 / 12 })))
  .filter(({ dy, dx }) => dy !== 0 || dx !== 0);

function relaxed(image: Float32Array, shape: PictureShape, removed: Uint32Array): Float32Array {
  const { channels, width, height, channelsLast } = shape;
  if (removed.length === width * height) return new Float32Array(image.length);
  const values = Float64Array.from(image);
  for (let change = 1, round = 0; change > 1e-12 && round < 20_000; round++) {
    change = 0;
    for (const pixel of removed)
      for (let c = 0; c < channels; c++) {
        const at = (p: number) => (channelsLast ? p * channels + c : c * width * height + p);
        let sum = 0;
        let weights = 0;
        for (const { dy, dx, weight } of NEIGHBOURS) {
          const [y, x] = [Math.floor(pixel / width) + dy, (pixel % width) + dx];
          if (y < 0 || x < 0 || y >= height || x >= width) continue;
          sum += weight * values[at(y * width + x)]!;
          weights += weight;
        }
        change = Math.max(change, Math.abs(sum / weights - values[at(pixel)]!));
        values[at(pixel)] = sum / weights;
      }
  }
  return Float32Array.from(values);
}
