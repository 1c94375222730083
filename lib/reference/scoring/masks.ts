/** The masks of native/kernels/mask/mask_batch.hpp written plainly: every pixel on its own, in double precision. */
import { Random } from '../../common/random.ts';
import type { MaskRule } from '../../scoring/mask-request.ts';

export type Grid = 'bilinear' | 'align-corners' | 'mirror';

/** Where sample `i` of `to` lies among `from` samples. */
export function sourceOf(i: number, from: number, to: number, grid: Grid): number {
  if (grid === 'align-corners') return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
  const source = ((i + 0.5) * from) / to - 0.5;
  if (grid === 'mirror' && source < 0) return Math.min(-source, from - 1);
  if (grid === 'mirror' && source > from - 1) return Math.max(2 * (from - 1) - source, 0);
  return Math.min(Math.max(source, 0), from - 1);
}

/** A map [h, w] read at a canvas sample, linear on both axes. */
export function sampleMap(
  map: ArrayLike<number>,
  [height, width]: readonly [number, number],
  y: number,
  x: number,
): number {
  const top = Math.floor(y);
  const left = Math.floor(x);
  const bottom = Math.min(top + 1, height - 1);
  const right = Math.min(left + 1, width - 1);
  const at = (row: number, column: number) => map[row * width + column]!;
  const blend = (a: number, b: number, weight: number) => (1 - weight) * a + weight * b;
  return blend(
    blend(at(top, left), at(top, right), x - left),
    blend(at(bottom, left), at(bottom, right), x - left),
    y - top,
  );
}

/** One mask [H, W], without scale, complement and noise. */
export function stretchedMask(
  map: Float32Array,
  from: readonly [height: number, width: number],
  [height, width]: readonly [number, number],
  rule: MaskRule,
): Float64Array {
  const small = rule.normalize === 'before' ? stretch(map, rule.epsilon) : map;
  const mask = new Float64Array(height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      mask[y * width + x] = sampleMap(
        small,
        from,
        sourceOf(y, from[0], height, rule.interpolation),
        sourceOf(x, from[1], width, rule.interpolation),
      );
  return rule.normalize === 'after' ? stretch(isConstant(map) ? mask.fill(0) : mask, rule.epsilon) : mask;
}

export function isConstant(map: ArrayLike<number>): boolean {
  for (let i = 0; i < map.length; i++) if (map[i] !== map[0]) return false;
  return true;
}

function stretch(values: Float32Array | Float64Array, epsilon: number): Float64Array {
  const exact = Float64Array.from(values);
  const min = exact.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const max = exact.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  return exact.map(value => (min === max ? 0 : (value - min) / (max - min + epsilon)));
}

/** What the noise of a map's copies is seeded with: FNV-1a over the stretched small map in six digits. */
export function noiseKey(map: Float32Array, rule: MaskRule): number {
  const bits = new Int32Array(map.slice().buffer);
  const rounded =
    rule.normalize === 'none' ? bits : Int32Array.from(stretchOnce(map, rule.epsilon), value => Math.round(value));
  return rounded.reduce((key, value) => Math.imul(key ^ value, 0x01000193), 0x811c9dc5) >>> 0;
}

/** In one multiplication, as the native code has it: a later rounding would fall differently now and then. */
function stretchOnce(map: Float32Array, epsilon: number): Float64Array {
  const min = map.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const max = map.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const factor = min === max ? 0 : 1e6 / (max - min + Math.fround(epsilon));
  return Float64Array.from(map, value => (value - min) * factor);
}

/** Normal values in pairs (Box-Muller), one generator for each sample. */
export function sampleNoise(key: number, sample: number, seed: number, count: number, sigma: number): Float64Array {
  const random = new Random((key ^ Math.imul(seed, 0x85ebca6b) ^ Math.imul(sample + 1, 0x9e3779b9)) >>> 0);
  const noise = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = sigma * Math.sqrt(-2 * Math.log(1 - random.uniform()));
    const angle = 2 * Math.PI * random.uniform();
    noise[i] = radius * Math.cos(angle);
    if (i + 1 < count) noise[i + 1] = radius * Math.sin(angle);
  }
  return noise;
}
