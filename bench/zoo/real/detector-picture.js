// Makes docs/pictures/detector.jpg with the detector that make_real.py fetched: `node bench/zoo/real/detector-picture.js FOLDER`
import { join } from 'node:path';
import sharp from 'sharp';
import { load } from '../../../dist/index.js';
import { strip } from '../../../scripts/support/strip.js';

const METHODS = ['grad-cam', 'hirescam', 'layer-cam'];
/** The photograph within the square that YOLOX wants. */
const PHOTO = { left: 0, top: 0, width: 640, height: 427 };

const [, , folder] = process.argv;
const picture = join(folder, 'arbez_yolox_s.png');
const cam = await load(join(folder, 'arbez_yolox_s.onnx'), { preprocess: 'unit' });
const results = await cam.explain(picture, { methods: METHODS });
await cam.dispose();

const [x, y, width, height] = results[0].target.box;
const frame = `<svg width="640" height="640"><rect x="${x}" y="${y}" width="${width}" height="${height}" fill="none" stroke="#0f0" stroke-width="4"/></svg>`;
const cut = image => image.extract(PHOTO).removeAlpha().raw().toBuffer({ resolveWithObject: true });
const framed = await sharp(picture).composite([{ input: Buffer.from(frame) }]).png().toBuffer();
const tiles = [await cut(sharp(framed))];
for (const result of results) {
  const { data, info } = await result.overlay();
  tiles.push(await cut(sharp(data, { raw: info })));
}
await strip(tiles, 'docs/pictures/detector.jpg');
