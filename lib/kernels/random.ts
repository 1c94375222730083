import { Random } from '../common/random.ts';
import { addon } from '../engine/addon.ts';
import type { Tensor } from '../engine/tensor.ts';
import { type Answer, steady } from './native-kernels.ts';

interface RandomKernels {
  addNoise(
    images: Float32Array,
    count: number,
    size: number,
    noisy: number,
    sigma: number,
    state: Uint32Array,
  ): Answer<Float32Array>;
  normalMagnitudes(seed: number, count: number): Answer<Float32Array>;
  randomGrids(
    seed: number,
    masks: number,
    cells: number,
    cellHeight: number,
    cellWidth: number,
    p: number,
    offsets: Uint32Array,
  ): Answer<Float32Array>;
}

/** Noise of one seed that is added to one copy of some images after another; the numbers are those of `Random.normal`. */
export class NoiseSource {
  readonly #state: Uint32Array;

  constructor(seed: number) {
    this.#state = new Random(seed).state();
  }

  /**
   * Images [count, …] plus normal noise of deviation `sigma`, the same for each of the first `noisy` ones; the others are
   * copied as they are. One call at a time.
   */
  async addTo(images: Float32Array, count: number, noisy: number, sigma: number): Promise<Float32Array> {
    const size = images.length / count;
    return addon<RandomKernels>().addNoise(steady(images), count, size, noisy, sigma, this.#state);
  }
}

/**
 * Copies of images [N, …] with normal noise, one after the other.
 * @param count the first so many are changed, each by the same noise
 */
export async function* noisyCopies(
  images: Tensor<'float32'>,
  count: number,
  { runs, sigma }: { readonly runs: number; readonly sigma: number },
  seed: number,
): AsyncGenerator<Tensor<'float32'>, void, void> {
  const source = new NoiseSource(seed);
  for (let n = 0; n < runs; n++)
    yield { ...images, data: await source.addTo(images.data, images.dims[0]!, count, sigma) };
}

/** |N(0, 1)|, `count` of them. */
export async function normalMagnitudes(seed: number, count: number): Promise<Float32Array> {
  return addon<RandomKernels>().normalMagnitudes(seed >>> 0, count);
}

/**
 * Random grids [n, cells] of 0 and 1 (1 with probability p), and how far each is shifted down and right, [n, 2], by less than a
 * cell.
 */
export async function randomGrids(
  seed: number,
  n: number,
  cells: number,
  [cellHeight, cellWidth]: readonly [height: number, width: number],
  p: number,
): Promise<{ readonly grids: Float32Array; readonly offsets: Uint32Array }> {
  const offsets = new Uint32Array(2 * n);
  const grids = await addon<RandomKernels>().randomGrids(seed >>> 0, n, cells, cellHeight, cellWidth, p, offsets);
  return { grids, offsets };
}
