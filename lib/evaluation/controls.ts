import { Random } from '../common/random.ts';
import type { Size } from '../image/geometry.ts';
import type { Control } from './direction.ts';

/**
 * The map of a control [H, W], in [0, 1]. `random`: every pixel uniform, of each image its own, by seed and place of the image alone.
 * `centre`: a Gaussian around the middle, its deviation a quarter of the shorter side, 1 at its highest pixel. `constant`: 1 everywhere.
 */
export function controlMap(control: Control, { width, height }: Size, seed: number, index: number): Float32Array {
  const map = new Float32Array(width * height);
  if (control === 'constant') return map.fill(1);
  if (control === 'random') {
    // What is drawn for the seed keeps neighbouring seeds and images apart.
    const random = new Random(new Random(seed).bits() + index);
    for (let i = 0; i < map.length; i++) map[i] = random.uniform();
    return map;
  }
  const spread = 2 * (Math.min(width, height) / 4) ** 2;
  const bell = (length: number) =>
    Float64Array.from({ length }, (_, i) => Math.exp(-((i - (length - 1) / 2) ** 2) / spread));
  const [across, down] = [bell(width), bell(height)];
  const most = across[width >> 1]! * down[height >> 1]!;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) map[y * width + x] = (across[x]! * down[y]!) / most;
  return map;
}
