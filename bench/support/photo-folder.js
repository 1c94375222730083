import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { CAT, COFFEE, ROCKET } from './models.js';
import { seededRandom } from './random.js';

const PICTURES = [CAT, COFFEE, ROCKET];

/**
 * Writes JPEGs of one size, each another part of a bundled photograph, every second one mirrored.
 * @returns their paths
 */
export async function writePhotos(folder, count, { width, height, seed = 1 }) {
  await mkdir(folder, { recursive: true });
  const next = seededRandom(seed);
  const paths = [];
  for (let i = 0; i < count; i++) {
    const source = sharp(PICTURES[i % PICTURES.length]).removeAlpha();
    const { width: w, height: h } = await source.metadata();
    const share = 0.6 + 0.4 * next();
    const part = { width: Math.floor(w * share), height: Math.floor(h * share) };
    const left = Math.floor((w - part.width) * next());
    const top = Math.floor((h - part.height) * next());
    const path = join(folder, `photo-${String(i).padStart(5, '0')}.jpg`);
    const picture = source.extract({ left, top, ...part }).resize(width, height, { fit: 'fill' });
    await writeFile(path, await (i % 2 ? picture.flop() : picture).jpeg({ quality: 88 }).toBuffer());
    paths.push(path);
  }
  return paths;
}
