import { damageBytes } from './mutate-bytes.js';
import { damageGif } from './mutate-gif.js';
import { damageJpeg } from './mutate-jpeg.js';
import { damagePng } from './mutate-png.js';
import { damageJson, damageLabels, damageNpy, damageSvg } from './mutate-text.js';
import { damageTiff } from './mutate-tiff.js';
import { damageWebp } from './mutate-webp.js';
import { Random } from './random.js';

/** How often each kind is taken, and what knows its structure. */
const KINDS = [
  [20, ['png', damagePng]],
  [20, ['jpeg', damageJpeg]],
  [13, ['webp', damageWebp]],
  [15, ['tiff', damageTiff]],
  [10, ['gif', damageGif]],
  [8, ['bmp', damageBytes]],
  [2, ['avif', damageBytes]],
  [2, ['svg', damageSvg]],
  [6, ['npy', damageNpy]],
  [8, ['sidecar', damageJson]],
  [4, ['labels', damageLabels]],
];

/** Mutant number `index`: { kind, bytes, how, fast }. */
export function makeMutant(seeds, seed, index) {
  const random = new Random(seed, index);
  const [kind, damage] = random.weighted(KINDS);
  let [bytes, how] = damage(random.pick(seeds[kind]), random);
  if (random.chance(0.3) && bytes.length > 0) {
    const [again, more] = damageBytes(bytes, random);
    [bytes, how] = [again, `${how}, ${more}`];
  }
  return { kind, bytes, how, fast: random.chance(0.3) };
}
