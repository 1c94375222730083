// Masks of several classes at once from a classifier that has never seen a mask: each pixel goes to the class whose map is largest
// there, or to the background where none reaches `BACKGROUND`. Maps are divided by their largest values first, as weakly supervised
// segmentation does (Ahn and Kwak, arXiv:1803.10464; Ahn et al., arXiv:1904.05044, whose constant background this is).
//
//   node examples/class-masks.js [OUT] [MODEL PICTURE LABEL...]
//
// Writes OUT/class-masks.png (black, then a colour for each class) and OUT/class-masks.overlay.png. Without MODEL: the bundled model
// on the bundled cat and coffee side by side.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'onnx-cam';
import sharp from 'sharp';

/** In shares of each map's maximum; the larger, the more background. */
const BACKGROUND = 0.3;
/** Those of PASCAL VOC. */
const COLOURS = [
  [128, 0, 0],
  [0, 128, 0],
  [128, 128, 0],
  [0, 0, 128],
  [128, 0, 128],
  [0, 128, 128],
];

const [out = 'class-masks', model = asset('efficientnet-lite0.onnx'), picture, ...labels] = process.argv.slice(2);
const image = picture ?? (await sideBySide(asset('pictures/cat.png'), asset('pictures/coffee.jpg')));
const classes = labels.length > 0 ? labels : ['Egyptian cat', 'espresso'];
if (classes.length > COLOURS.length) throw new Error(`this example has colours for ${COLOURS.length} classes`);

const cam = await load(model);
const explanations = [];
for (const target of classes) explanations.push(await cam.explain(image, { method: 'layer-cam', target }));
await cam.dispose();

const { width, height } = explanations[0].map;
const winners = winnersOf(explanations);
const colours = Buffer.alloc(3 * width * height);
winners.forEach((winner, pixel) => {
  if (winner > 0) colours.set(COLOURS[winner - 1], 3 * pixel);
});

await mkdir(out, { recursive: true });
const mask = sharp(colours, { raw: { width, height, channels: 3 } }).png();
await mask.toFile(join(out, 'class-masks.png'));
const shown = await sharp(image).rotate().removeAlpha().toColourspace('srgb').raw().toBuffer();
const blended = shown.map((value, i) => (winners[Math.floor(i / 3)] > 0 ? (value + 2 * colours[i]) / 3 : value));
await sharp(blended, { raw: { width, height, channels: 3 } }).toFile(join(out, 'class-masks.overlay.png'));

for (const [i, { target, status, reason }] of explanations.entries()) {
  const pixels = winners.reduce((count, winner) => count + (winner === i + 1), 0);
  const share = ((100 * pixels) / (width * height)).toFixed(1);
  console.log(
    `${target.label}: ${share} % of the picture${status === 'ok' ? '' : `, its map is ${status}: ${reason}`}`,
  );
}

/** For each pixel 0 (background), or 1 + the number of the class whose map is largest; the first where several are. */
function winnersOf(maps) {
  const winners = new Uint8Array(maps[0].map.data.length);
  const best = new Float32Array(winners.length).fill(BACKGROUND);
  maps.forEach(({ map, status }, number) => {
    if (status !== 'ok') return;
    const largest = map.data.reduce((a, b) => Math.max(a, b));
    map.data.forEach((value, pixel) => {
      if (value / largest <= best[pixel]) return;
      best[pixel] = value / largest;
      winners[pixel] = number + 1;
    });
  });
  return winners;
}

/** The bundled pictures have one class each. */
async function sideBySide(...files) {
  const parts = await Promise.all(files.map(file => sharp(file).resize(300, 400, { fit: 'cover' }).png().toBuffer()));
  return sharp({ create: { width: 300 * parts.length, height: 400, channels: 3, background: 'black' } })
    .composite(parts.map((input, i) => ({ input, left: 300 * i, top: 0 })))
    .png()
    .toBuffer();
}

function asset(name) {
  return fileURLToPath(new URL(`../assets/${name}`, import.meta.url));
}
