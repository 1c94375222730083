/**
 * How far do `decode: 'fast'`'s pixels move scores and maps? Explains every picture of a folder (the bundled ones by default)
 * both ways: as it is, and as a JPEG and a WebP of 12 megapixels made of it.
 * `npm run build`, then `node bench/fast-decode.js [FOLDER]`.
 */
import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { load } from '../dist/index.js';
import { correlation } from './support/correlation.js';
import { BUNDLED } from './support/models.js';
import { ms, printHead, printTable } from './support/report.js';

const folder = process.argv[2] ?? fileURLToPath(new URL('../assets/pictures', import.meta.url));
const names = (await readdir(folder)).filter(name => ['.jpg', '.jpeg', '.png'].includes(extname(name))).sort();

printHead('decode: fast against exact');
const exact = await load(BUNDLED);
const fast = await load(BUNDLED, { decode: 'fast' });
const rows = [];
for (const name of names) {
  const file = sharp(join(folder, name)).removeAlpha().toColourspace('srgb');
  const { width, height } = await file.metadata();
  const scale = Math.sqrt(12e6 / (width * height));
  const large = file.resize(Math.round(width * scale), Math.round(height * scale), { fit: 'fill', kernel: 'lanczos3' });
  for (const [kind, picture] of [
    ['as it is', join(folder, name)],
    ['12 MP JPEG', await large.clone().jpeg({ quality: 90 }).toBuffer()],
    ['12 MP WebP', await large.clone().webp({ quality: 90, effort: 0 }).toBuffer()],
  ]) {
    const options = { mapSize: 'input' };
    const a = await exact.explain(picture, options);
    const b = await fast.explain(picture, { ...options, target: a.target.index });
    const top = await fast.predict(picture);
    rows.push([
      `${name}, ${kind}`,
      top[0].index === a.target.index ? 'yes' : 'NO',
      Math.abs(b.target.score - a.target.score).toFixed(3),
      Math.abs(b.target.probability - a.target.probability).toFixed(4),
      correlation(a.map.data, b.map.data).toFixed(5),
      ms(a.timings.preprocess),
      ms(b.timings.preprocess),
    ]);
  }
}
printTable(['', 'same class', 'logit moves', 'probability', 'correlation', 'exact, ms', 'fast, ms'], rows);
await exact.dispose();
await fast.dispose();
