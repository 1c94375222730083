/**
 * Writes docs/leaderboard.md: every method that runs on the bundled EfficientNet-Lite0, judged over photographs.
 *
 *     python3 scripts/leaderboard/collect-photos.py PHOTOS
 *     npm run build && node scripts/make-leaderboard.js PHOTOS WORK [--limit 30] [--few 15] [--steps 14]
 *
 * PHOTOS: pictures and pictures.json. WORK keeps the rows; what is there already is not computed again, so that a run that was
 * stopped goes on. --limit: photographs, by name from the first on; --few: those of them on which methods explain again; --steps: of
 * deletion and insertion.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { listMethods, load } from '../dist/index.js';
import { leaderboardPage } from './leaderboard/page.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { limit: { type: 'string' }, few: { type: 'string' }, steps: { type: 'string' } },
});
const [photos, work] = positionals;
if (!photos || !work) throw new Error('usage: node scripts/make-leaderboard.js PHOTOS WORK');
const limit = Number(values.limit ?? 30);
const few = Number(values.few ?? 15);
const steps = Number(values.steps ?? 14);

/** Methods whose defaults take a second or more a picture: how far they are cut down. */
const CUT = {
  'score-cam': { topK: 50 },
  'ss-cam': { topK: 10, n: 5 },
  'is-cam': { topK: 10, n: 5 },
  'poly-cam': { topK: 50 },
  rise: { n: 300 },
  'opti-cam': { n: 25 },
};
const METRICS = [
  'average-drop',
  'average-increase',
  'average-gain',
  { metric: 'deletion', params: { steps } },
  { metric: 'insertion', params: { steps } },
  { metric: 'road', params: { percentiles: [10, 30, 50, 70, 90] } },
  'complexity',
  'sparseness',
];
const AGAIN = ['adcc', { metric: 'max-sensitivity', params: { n: 4 } }];

const model = new URL('../assets/efficientnet-lite0.onnx', import.meta.url).pathname;
const cam = await load(model);
const all = listMethods().map(({ name }) => name);
const refused = cam.unsupported(all);
const runnable = all.filter(name => !refused.has(name));
const pictures = JSON.parse(readFileSync(join(photos, 'pictures.json'), 'utf8'))
  .sort((a, b) => (a.name < b.name ? -1 : 1))
  .slice(0, limit);
const paths = pictures.map(({ name }) => join(photos, name));

async function judge(folder, methods, metrics, count) {
  const asked = { methods, metrics, folder: join(work, folder), resume: true, onProgress: progressOf(folder) };
  const run = cam.evaluate(paths.slice(0, count), asked);
  const summary = await run.summary();
  await run.save(asked.folder);
  return summary;
}

function progressOf(folder) {
  const start = performance.now();
  return ({ done, total }) =>
    console.log(`${folder}: ${done} of ${total}, ${((performance.now() - start) / 1000).toFixed(0)} s`);
}

const scored = await judge(
  'scores',
  runnable.map(method => (CUT[method] ? { method, params: CUT[method] } : method)),
  METRICS,
  limit,
);
const again = await judge(
  'again',
  runnable.filter(name => !CUT[name]),
  AGAIN,
  few,
);
await cam.dispose();
const page = leaderboardPage({
  scored,
  again,
  cut: CUT,
  refused: [...refused.keys()],
  pictures,
  metrics: METRICS,
  repeated: AGAIN,
});
writeFileSync(new URL('../docs/leaderboard.md', import.meta.url), page);
