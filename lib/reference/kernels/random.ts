import { Random } from '../../common/random.ts';

/** Twin of native/kernels/mask/add_noise.cpp: the copies of images [count, …] one after the other. */
export function noisyCopies(
  images: Float32Array,
  count: number,
  noisy: number,
  sigma: number,
  { seed, copies }: { readonly seed: number; readonly copies: number },
): Float32Array[] {
  const random = new Random(seed);
  const size = images.length / count;
  return Array.from({ length: copies }, () => {
    const noise = Float64Array.from({ length: size }, () => sigma * random.normal());
    return images.map((value, i) => (i < noisy * size ? value + noise[i % size]! : value));
  });
}

/** Of the binding of the same name. */
export function normalMagnitudes(seed: number, count: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => Math.abs(random.normal()));
}

/** Twin of native/kernels/mask/random_grids.cpp. */
export function randomGrids(
  seed: number,
  n: number,
  cells: number,
  [cellHeight, cellWidth]: readonly [height: number, width: number],
  p: number,
): { grids: Float32Array; offsets: Uint32Array } {
  const random = new Random(seed);
  const grids = new Float32Array(n * cells);
  const offsets = new Uint32Array(2 * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < cells; j++) grids[i * cells + j] = random.uniform() < p ? 1 : 0;
    offsets[2 * i] = Math.floor(random.uniform() * cellHeight);
    offsets[2 * i + 1] = Math.floor(random.uniform() * cellWidth);
  }
  return { grids, offsets };
}
