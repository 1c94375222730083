/**
 * How near is a folder of pictures to what the machine can do? `stream` and the command against a bound of the same run: the
 * processor time of decoding, resizing, one forward pass on one thread and encoding, over the cores.
 * `npm run build`, then `node --heap-growing-percent=300 bench/throughput.js [--quick] [--python PYTHON]` (docs/guide.md says why the
 * flag); PYTHON is of an environment with
 * bench/peers/requirements.txt, for torchcam and pytorch-grad-cam on the same folder.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { load } from '../dist/index.js';
import { BUNDLED } from './support/models.js';
import { busyNeighbour } from './support/neighbour.js';
import { runPeers } from './support/peers.js';
import { writePhotos } from './support/photo-folder.js';
import { cpuTime, median, ms, printHead, printTable, ratio } from './support/report.js';

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean' }, python: { type: 'string' } } });
const ROUNDS = flags.quick ? 2 : 5;
const SMALL = { name: '640 × 480', count: flags.quick ? 60 : 200, width: 640, height: 480 };
const LARGE = { name: '12 megapixels', count: flags.quick ? 8 : 24, width: 4000, height: 3000 };
const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const INPUT = 224;
const cores = availableParallelism();

/** Milliseconds of processor time of a task for each of so many items. */
async function costOf(count, task) {
  const start = cpuTime();
  await task();
  return (cpuTime() - start) / count;
}

/** Decodes a file and resizes it to the model's input; `shrink` lets JPEG be decoded at a smaller scale. */
async function readSmall(path, shrink) {
  const bytes = await readFile(path);
  const size = [INPUT, INPUT, { fit: 'fill', kernel: 'linear' }];
  if (shrink) return sharp(bytes).resize(...size).raw().toBuffer();
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: info }).resize(...size).raw().toBuffer();
}

/** What the parts cost one core, one behind the other, in milliseconds a picture. */
async function measureParts(photos, { shrink, side }) {
  const { paths } = photos;
  const read = await costOf(paths.length, async () => {
    for (const path of paths) await readSmall(path, shrink);
  });
  const session = await InferenceSession.create(BUNDLED, { intraOpNumThreads: 1 });
  const feeds = { [session.inputNames[0]]: new Tensor('float32', new Float32Array(3 * INPUT * INPUT), [1, 3, INPUT, INPUT]) };
  for (let i = 0; i < 5; i++) await session.run(feeds);
  const forward = await costOf(40, async () => {
    for (let i = 0; i < 40; i++) await session.run(feeds);
  });
  await session.release();
  const picture = sharp(paths[0]).resize(side, side, { fit: 'inside', withoutEnlargement: true });
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  const encode = await costOf(10, async () => {
    for (let i = 0; i < 10; i++) await sharp(data, { raw: info }).png({ compressionLevel: 1 }).toBuffer();
  });
  return { read, forward, encode };
}

/** Pictures a second of a task over so many, after one round to warm up. */
async function rateOf(count, task, rounds = ROUNDS) {
  await task();
  const rates = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await task();
    rates.push((1000 * count) / (performance.now() - start));
  }
  return rates;
}

async function drain(cam, folder, options) {
  for await (const { error } of cam.stream(folder, options)) if (error) throw error;
}

const shown = rates => `${median(rates).toFixed(1)} (${Math.min(...rates).toFixed(1)} to ${Math.max(...rates).toFixed(1)})`;

const row = (name, rates, bound) => [name, shown(rates), bound.toFixed(1), ratio(median(rates) / bound)];

async function withPhotos(kind, task) {
  const folder = await mkdtemp(join(tmpdir(), 'onnx-cam-throughput-'));
  try {
    return await task({ ...kind, folder, paths: await writePhotos(folder, kind.count, kind) });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function streamRow(photos, name, loadOptions, options, bound) {
  const cam = await load(BUNDLED, loadOptions);
  try {
    return row(name, await rateOf(photos.count, () => drain(cam, photos.folder, options)), bound);
  } finally {
    await cam.dispose();
  }
}

/** The command on a folder, its start and the model's load taken off by a run on a single picture. */
async function commandRow(photos, flagsOf, bound) {
  const out = join(photos.folder, 'out');
  const run = async inputs => {
    const start = performance.now();
    await promisify(execFile)(process.execPath, [COMMAND, 'explain', BUNDLED, ...inputs, '-o', out, ...flagsOf]);
    const time = performance.now() - start;
    await rm(out, { recursive: true });
    return time;
  };
  const rates = [];
  for (let round = 0; round < Math.min(ROUNDS, 3); round++) {
    const one = await run(photos.paths.slice(0, 1));
    const all = await run(photos.paths);
    rates.push((1000 * (photos.count - 1)) / (all - one));
  }
  return row('onnx-cam explain --save overlay', rates, bound);
}

/** `stream` beside processes that want a core each; the bound is the share of the cores that is left. */
async function besideNeighbours(photos, count, bound) {
  const cam = await load(BUNDLED);
  const stops = [];
  try {
    await drain(cam, photos.folder);
    for (let i = 0; i < count; i++) stops.push(await busyNeighbour());
    const rates = await rateOf(photos.count, () => drain(cam, photos.folder), Math.min(ROUNDS, 3));
    // The scheduler shares the cores evenly among those that want them.
    const share = cores / (cores + count);
    return [`stream beside ${count} busy`, shown(rates), (bound * share).toFixed(1), ratio(median(rates) / (bound * share))];
  } finally {
    for (const stop of stops) stop();
    await cam.dispose();
  }
}

/** Grad-CAM and onnxruntime-node's own forward pass in turn, in one process. */
async function inTurnWithRuntime(photos) {
  const cam = await load(BUNDLED);
  const session = await InferenceSession.create(BUNDLED);
  const data = new Float32Array(3 * INPUT * INPUT);
  const dims = [1, 3, INPUT, INPUT];
  const feeds = { [session.inputNames[0]]: new Tensor('float32', data, dims) };
  const own = [];
  const theirs = [];
  for (let i = -5; i < 40; i++) {
    const start = performance.now();
    await session.run(feeds);
    const middle = performance.now();
    await cam.explain({ type: 'float32', data, dims });
    if (i < 0) continue;
    theirs.push(middle - start);
    own.push(performance.now() - middle);
  }
  await cam.dispose();
  await session.release();
  return [`Grad-CAM in turn with onnxruntime-node (${photos})`, `${ms(median(own))} ms`, `${ms(median(theirs))} ms`, ratio(median(own) / median(theirs))];
}

printHead('Throughput: pictures a second');
const rows = [];
const peers = await withPhotos(SMALL, async photos => {
  const parts = await measureParts(photos, { shrink: false, side: 1024 });
  const bound = (1000 * cores) / (parts.read + parts.forward);
  const written = (1000 * cores) / (parts.read + parts.forward + parts.encode);
  console.log(
    `${SMALL.name}, milliseconds of one core: decode and resize ${ms(parts.read)}, forward ${ms(parts.forward)}, encode ${ms(parts.encode)}`,
  );
  rows.push(await streamRow(photos, `stream, ${SMALL.name}`, {}, {}, bound));
  rows.push(await streamRow(photos, `stream, ${SMALL.name}, mapSize 'input'`, {}, { mapSize: 'input' }, bound));
  rows.push(await commandRow(photos, ['--save', 'overlay'], written));
  for (const count of [1, 2]) rows.push(await besideNeighbours(photos, count, bound));
  return flags.python && runPeers(flags.python, 'folder_peers.py', ['--folder', photos.folder]);
});
await withPhotos(LARGE, async photos => {
  const fast = await measureParts(photos, { shrink: true, side: 1024 });
  const exact = await measureParts(photos, { shrink: false, side: 1024 });
  console.log(`${LARGE.name}: decode and resize ${ms(exact.read)}, at the smallest scale ${ms(fast.read)}`);
  const mapSize = { max: 1024 };
  const bound = ({ read, forward }) => (1000 * cores) / (read + forward);
  rows.push(await streamRow(photos, `stream, ${LARGE.name}, fast, mapSize`, { decode: 'fast' }, { mapSize }, bound(fast)));
  rows.push(await streamRow(photos, `stream, ${LARGE.name}, mapSize`, {}, { mapSize }, bound(exact)));
});
rows.push(await inTurnWithRuntime('one picture'));
printTable(['', 'median (least to most)', 'bound', 'ratio'], rows);
if (peers)
  printTable(
    ['Python, the same folder', 'batch', 'workers', 'pictures a second'],
    peers.filter(({ tool }) => tool).map(({ tool, batch, workers, rate }) => [tool, batch, workers, rate.toFixed(1)]),
  );
