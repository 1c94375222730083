/**
 * Writes the figures and the picture of docs/techniques.md: every technique around Grad-CAM on the bundled network.
 *
 *     python3 scripts/leaderboard/collect-photos.py PHOTOS
 *     npm run build && node scripts/make-techniques.js PHOTOS WORK
 *
 * PHOTOS: the leaderboard's photographs, of which scripts/techniques/boxes.json says where the object is (left, top, right, bottom, as
 * shares of the sides). WORK: for the network with a free input size, which two techniques need, and the rows; rows that are there
 * already are not computed again.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { runnerImport } from 'vite';
import { listTechniques, load } from '../dist/index.js';
import { path } from './support/strip.js';
import { writeSection } from './support/write-section.js';
import { contactSheet } from './techniques/contact-sheet.js';
import { comparisonTable } from './techniques/table.js';

const [photos, work] = process.argv.slice(2);
if (!photos || !work) throw new Error('usage: node scripts/make-techniques.js PHOTOS WORK');
const METRICS = [
  { metric: 'deletion', params: { steps: 14 } },
  { metric: 'insertion', params: { steps: 14 } },
  'energy-pointing-game',
];
const ROUNDS = 5;

const variants = [
  { name: 'plain' },
  ...listTechniques().map(({ name }) => ({ name, options: { technique: name } })),
  { name: 'eigenSmooth', options: { params: { eigenSmooth: true } } },
];
const fusions = ['mean', 'max', 'tanh-max', 'product'].map(fusion => ({ name: fusion, options: { fusion } }));

mkdirSync(work, { recursive: true });
const cam = await load(await freeSized());
const boxes = JSON.parse(readFileSync(new URL('./techniques/boxes.json', import.meta.url), 'utf8'));
const files = Object.keys(boxes).map(name => join(photos, name));
const tables = [
  ['figures', await judged('techniques', variants)],
  ['fusion-figures', await judged('fusion', fusions, 'stages')],
];
const costs = await costsOf(variants);
await contactSheet(cam, path('assets/pictures/cat.png'), variants, 'docs/pictures/techniques.jpg');
await cam.dispose();
for (const [name, summary] of tables)
  writeSection('docs/techniques.md', name, comparisonTable(summary, name === 'figures' ? costs : undefined));

/** The bundled network with its height and width left open; its weights and preprocessing are as they were. */
async function freeSized() {
  const { module } = await runnerImport(path('test/helpers/free-size.ts'));
  const file = join(work, 'free-size.onnx');
  writeFileSync(file, module.freeSize(readFileSync(path('assets/efficientnet-lite0.onnx'))));
  copyFileSync(path('assets/efficientnet-lite0.onnx.json'), `${file}.json`);
  return file;
}

async function judged(folder, judgedVariants, layer = 'auto') {
  const run = cam.evaluate(files, {
    methods: judgedVariants.map(({ options }) => ({ method: 'grad-cam', ...options })),
    layers: [layer],
    metrics: METRICS,
    truth,
    folder: join(work, folder),
    resume: true,
    onProgress: ({ done, total }) => console.log(`${folder}: ${done} of ${total}`),
  });
  const summary = await run.summary();
  await run.save(join(work, folder));
  return summary;
}

/** In pixels of the upright picture. */
async function truth(file) {
  const { autoOrient } = await sharp(file).metadata();
  const { width, height } = autoOrient;
  return {
    boxes: boxes[basename(file)].map(([left, top, right, bottom]) => [
      left * width,
      top * height,
      (right - left) * width,
      (bottom - top) * height,
    ]),
  };
}

/** Runs and the median time of each variant, one picture at a time, in turn. */
async function costsOf(timed) {
  const picture = path('assets/pictures/cat.png');
  const costs = new Map(timed.map(({ name }) => [name, { runs: 0, times: [] }]));
  for (let round = 0; round <= ROUNDS; round++)
    for (const { name, options } of timed) {
      const start = performance.now();
      const { runs } = await cam.explain(picture, options);
      costs.get(name).runs = runs.network;
      // The first round creates sessions.
      if (round > 0) costs.get(name).times.push(performance.now() - start);
    }
  return costs;
}
