// Makes docs/pictures from the bundled model and pictures: `npm run build && node scripts/make-docs-pictures.js`.
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { load } from '../dist/index.js';

const path = name => fileURLToPath(new URL(`../${name}`, import.meta.url));
const HEIGHT = 240;

/** Pictures side by side, all of one height. */
async function strip(pictures, file) {
  const tiles = await Promise.all(
    pictures.map(({ data, info }) =>
      sharp(data, { raw: info }).resize({ height: HEIGHT }).png().toBuffer({ resolveWithObject: true }),
    ),
  );
  let left = 0;
  const composite = tiles.map(({ data, info }) => {
    const placed = { input: data, left, top: 0 };
    left += info.width + 4;
    return placed;
  });
  await sharp({ create: { width: left - 4, height: HEIGHT, channels: 3, background: 'white' } })
    .composite(composite)
    .jpeg({ quality: 85 })
    .toFile(path(file));
}

const cam = await load(path('assets/efficientnet-lite0.onnx'));
const pictures = ['cat.png', 'coffee.jpg', 'rocket.jpg'].map(name => path(`assets/pictures/${name}`));
const results = await cam.explain(pictures);
await strip(await Promise.all(results.map(result => result.overlay())), 'docs/pictures/grad-cam.jpg');

const methods = ['grad-cam', 'layer-cam', 'score-cam', 'ablation-cam', 'eigen-cam', 'recipro-cam'];
const several = [];
for (const method of methods) several.push(await cam.explain(pictures[0], { method }));
await strip(await Promise.all(several.map(result => result.overlay())), 'docs/pictures/methods.jpg');
await cam.dispose();
