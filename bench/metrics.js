/**
 * What do metrics cost beside the forward passes that they need, and beside the Python tools on the same maps?
 *
 * `npm run build`, then `node bench/metrics.js [--quick] [--python PATH] [--only passes,peers,evaluate] [--images 200]`.
 * passes    deletion + insertion (28 steps), and the default metrics of an image, against plain forward passes of the same
 *           number, one-thread runs side by side at the best schedule
 * peers     ROAD of pytorch-grad-cam, deletion and insertion of torchcam, pixel flipping, region perturbation and two metrics of
 *           maps of Quantus, on the same inputs and maps (needs a Python with the requirements of bench/peers, and quantus)
 * evaluate  5 methods × 8 metrics over pictures, against the passes that an image needs; memory on the way
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { load } from '../build/modules/index.js';
import { physicalCores } from '../build/modules/engine/physical-cores.js';
import { CAT, COFFEE, modelBytes, ROCKET } from './support/models.js';
import { runPeers } from './support/peers.js';
import { writePhotos } from './support/photo-folder.js';
import { cpuTime, inTurn, median, ms, pairedRatio, printHead, printTable, ratio } from './support/report.js';
import { forwardPasses, oneThreadSession, peerTensor } from './support/scoring.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    python: { type: 'string' },
    only: { type: 'string' },
    images: { type: 'string' },
  },
});
const wants = name => !values.only || values.only.split(',').includes(name);
const threads = physicalCores();
const SCHEDULES = [1, 4, 8].map(chunk => ({ chunk, parallel: threads }));
const CURVES = ['deletion', 'insertion'];
const METHODS = ['grad-cam', 'grad-cam++', 'layer-cam', 'hirescam', 'eigen-cam'];
const METRICS = ['average-drop', 'average-increase', 'average-gain', 'deletion', 'insertion', 'road', 'sparseness', 'complexity'];

printHead('Metrics, EfficientNet-Lite0, 224 × 224', { threads });
const bytes = await modelBytes('efficientnet-lite0');
const cam = await load(bytes, { intraOpNumThreads: threads });
const session = await oneThreadSession(bytes);
const cat = await peerTensor(CAT);
const plain = count =>
  Object.fromEntries(SCHEDULES.map(one => [`chunk ${one.chunk}`, () => forwardPasses(session, cat, count, one)]));
const fastest = (times, names) => names.reduce((a, b) => (median(times[b]) < median(times[a]) ? b : a));

/** Forward passes of a measurement, the clean image's among them. */
async function passesOf(image, options) {
  let made = 0;
  await cam.measure(image, { ...options, onProgress: ({ done }) => (made = Math.max(made, done)) });
  return made + 1;
}

if (wants('passes')) {
  const map = await cam.explain(cat, { mapSize: 'input' });
  const rows = [];
  for (const [label, metrics] of [
    ['deletion + insertion', CURVES],
    ['the default metrics', undefined],
  ]) {
    const asked = { map, metrics };
    const passes = await passesOf(cat, asked);
    const bare = plain(passes);
    const tasks = { measured: () => cam.measure(cat, asked), ...bare };
    const times = await inTurn(tasks, { rounds: values.quick ? 3 : 7, warmups: 1 });
    const best = fastest(times, Object.keys(bare));
    const [measured, alone] = [times.measured, times[best]].map(median);
    // Of a machine that others use too the processor time tells more.
    const pair = { measured: tasks.measured, [best]: bare[best] };
    const used = await inTurn(pair, { rounds: values.quick ? 2 : 5, warmups: 0, clock: cpuTime });
    const ratios = [times, used].map(of => ratio(pairedRatio(of, 'measured', best)));
    rows.push([label, passes, ms(measured), `${ms(alone)} (${best})`, ...ratios]);
  }
  printTable(['metrics', 'passes', 'ms', 'the passes alone ms', 'ratio', 'of processor time'], rows);
  console.log();
}

if (wants('peers') && values.python) {
  const inputs = await Promise.all((values.quick ? [CAT] : [CAT, COFFEE, ROCKET]).map(path => peerTensor(path)));
  const explained = [];
  for (const input of inputs) explained.push(await cam.explain(input, { mapSize: 'input' }));
  const maps = explained.map(({ map: { data, width, height } }) => ({ data, width, height }));
  const classes = explained.map(({ target }) => target.index);
  const params = { step: 1792, steps: 28, patch: 32, regions: 49 };
  const same = {
    'torchcam deletion, insertion': CURVES.map(metric => ({ metric, params: { steps: params.steps, baseline: 'zero' } })),
    'pytorch-grad-cam road': [{ metric: 'road', params: { noise: 0 } }],
    'quantus deletion': [{ metric: 'deletion', params: { step: params.step } }],
    'quantus aopc': [{ metric: 'aopc', params: { patch: params.patch, regions: params.regions } }],
    'quantus sparseness': ['sparseness'],
    'quantus entropy': ['entropy'],
  };
  const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-metrics-'));
  try {
    writeFileSync(join(folder, 'x.f32'), Buffer.concat(inputs.map(({ data }) => bytesOf(data))));
    writeFileSync(join(folder, 'maps.f32'), Buffer.concat(maps.map(({ data }) => bytesOf(data))));
    writeFileSync(join(folder, 'metrics.json'), JSON.stringify({ classes, ...params }));
    const records = runPeers(values.python, 'metric_peers.py', [folder, '--threads', `${threads}`]);
    console.log(JSON.stringify(records[0]));
    const rows = [];
    for (const { tool, metric, ms: theirs, values: found } of records.slice(1)) {
      const metrics = same[`${tool} ${metric}`];
      const measure = i => cam.measure(inputs[i], { map: maps[i], metrics, target: classes[i], convention: tool });
      const all = async () => {
        for (const i of inputs.keys()) await measure(i);
      };
      const { ours } = await inTurn({ ours: all }, { rounds: 3, warmups: 1 });
      const own = median(ours) / inputs.length;
      const mine = Object.values(await measure(0)).map(({ value }) => value.toFixed(4));
      const others = found[0].map(value => value.toFixed(4));
      rows.push([tool, metric, ms(theirs), ms(own), ratio(theirs / own), mine.join(' '), others.join(' ')]);
    }
    printTable(['tool', 'metric', 'its ms an image', 'ours', 'times ours', 'our value, first image', "the tool's"], rows);
    console.log('Quantus means its curve over the steps without the first; ours is the area.\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (wants('evaluate')) {
  const count = Number(values.images ?? (values.quick ? 12 : 200));
  const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-evaluate-'));
  try {
    const paths = await writePhotos(folder, count, { width: 640, height: 480 });
    const maps = await eightMaps(paths[0]);
    const passes = await passesOf(paths[0], { maps, metrics: METRICS });
    for await (const _ of cam.evaluate(paths.slice(0, 2), { methods: METHODS, metrics: METRICS })) {
      // Warms up.
    }
    const bound = async () => {
      const bare = plain(passes);
      const times = await inTurn(bare, { rounds: 1, warmups: 0 });
      return Math.min(...Object.values(times).map(median));
    };
    const before = await bound();
    const memory = [];
    const start = performance.now();
    const run = cam.evaluate(paths, {
      methods: METHODS,
      metrics: METRICS,
      onProgress: ({ done }) => {
        if (done % Math.ceil(count / 5) === 0) memory.push([done, (process.memoryUsage.rss() / 2 ** 20).toFixed(0)]);
      },
    });
    let rows = 0;
    for await (const _ of run) rows++;
    const each = (performance.now() - start) / count;
    const begun = performance.now();
    await run.summary();
    const summed = performance.now() - begun;
    const after = await bound();
    const alone = (before + after) / 2;
    console.log(`evaluate: ${METHODS.length} methods and 3 controls × ${METRICS.length} metrics, ${count} pictures, ${rows} rows`);
    printTable(
      ['passes an image', 'ms an image', 'the passes alone, before and after', 'of the bound', 'summary ms'],
      [[passes, ms(each), `${ms(before)} ${ms(after)}`, (alone / each).toFixed(2), ms(summed)]],
    );
    printTable(['pictures done', 'RSS MB'], memory);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
await Promise.all([cam.dispose(), session.dispose()]);

/** The maps that an evaluation of the methods judges: theirs, and three that stand for the controls. */
async function eightMaps(path) {
  const made = [];
  for (const method of METHODS) made.push(await cam.explain(path, { method, mapSize: 'input' }));
  const [{ map }] = made;
  const pixels = map.width * map.height;
  const other = make => ({ data: Float32Array.from({ length: pixels }, make), width: map.width, height: map.height });
  return [...made, other((_, i) => ((i * 31393) % pixels) / pixels), other((_, i) => i / pixels), other(() => 1)];
}

function bytesOf({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
