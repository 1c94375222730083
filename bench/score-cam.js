/**
 * What does Score-CAM cost beside the forward passes it needs, beside the same algorithm in plain JavaScript, and beside
 * the Python tools? And what do fewer runs lose?
 *
 * `npm run build`, then `node bench/score-cam.js [--quick] [--python PATH] [--only passes,node,peers,loop,memory,quality]`.
 * passes   every channel, against plain forward passes of the same number (the distinct masks) at the best schedule
 * node     the same algorithm around onnxruntime-node and onnxruntime-web (wasm), all channels
 * peers    pytorch-grad-cam and torchcam in the same run (needs a Python with the requirements of bench/peers)
 * loop     event-loop delay during a Score-CAM;  memory  resident set over 200 of them
 * quality  top-k, Faster Score-CAM and Group-CAM beside the full one: correlation of the maps, runs, time
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import { load } from '../build/modules/index.js';
import { physicalCores } from '../build/modules/engine/physical-cores.js';
import { correlation } from './support/correlation.js';
import { CAT, COFFEE, modelBytes, ROCKET } from './support/models.js';
import { printScorePeers } from './support/peers.js';
import { inTurn, median, ms, pairedRatio, printHead, printTable, ratio } from './support/report.js';
import {
  forwardPasses,
  oneThreadSession,
  peerTensor,
  plainScoreCam,
  withLayerOutput,
} from './support/scoring.js';

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, python: { type: 'string' }, only: { type: 'string' } },
});
const wants = name => !values.only || values.only.split(',').includes(name);
const threads = physicalCores();
/** The cat; the seeded network has classes that mean nothing. */
const CLASSES = { resnet18: 0, 'efficientnet-lite0': 285 };
const MODELS = { resnet18: 'resnet18-legacy-17', 'efficientnet-lite0': 'efficientnet-lite0' };
const options = { intraOpNumThreads: threads };
const full = name => ({ method: 'score-cam', convention: 'pytorch-grad-cam', target: CLASSES[name] });

printHead('Score-CAM, all channels, one picture (cat)', { threads });
const image = await peerTensor(CAT);
const ours = new Map();
const loaded = new Map();
for (const [name, file] of Object.entries(MODELS)) {
  const bytes = await modelBytes(file);
  loaded.set(name, { bytes, cam: await load(bytes, { ...options, preprocess: { size: [224, 224] } }) });
}

if (wants('passes') || wants('peers')) {
  const rows = [];
  for (const [name, { bytes, cam }] of loaded) {
    const first = await cam.explain(image, full(name));
    const passes = first.runs.network - 1;
    const session = await oneThreadSession(bytes);
    const schedules = [1, 2, 4, 8].map(chunk => ({ chunk, parallel: threads }));
    const plain = Object.fromEntries(
      schedules.map(schedule => [`chunk ${schedule.chunk}`, () => forwardPasses(session, image, passes, schedule)]),
    );
    const times = await inTurn(
      { scoreCam: () => cam.explain(image, full(name)), ...plain },
      { rounds: values.quick ? 1 : 5, warmups: 1 },
    );
    const best = Object.keys(plain).reduce((a, b) => (median(times[b]) < median(times[a]) ? b : a));
    ours.set(name, median(times.scoreCam));
    rows.push([
      name,
      `${first.layer.shape[0]}`,
      passes,
      ms(median(times.scoreCam)),
      `${ms(median(times[best]))} (${best})`,
      ratio(pairedRatio(times, 'scoreCam', best)),
      ms(first.timings.total),
    ]);
    await session.dispose();
  }
  printTable(['model', 'channels', 'passes made', 'Score-CAM ms', 'the passes alone ms', 'ratio', 'first call ms'], rows);
  console.log(`peak resident memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB\n`);
}

if (wants('node')) {
  const web = await import('onnxruntime-web/wasm');
  web.env.wasm.numThreads = 1;
  const rows = [];
  for (const [name, { bytes, cam }] of loaded) {
    const layer = cam.layers().find(({ chosen }) => chosen).name;
    const model = withLayerOutput(bytes, layer);
    const session = await ort.InferenceSession.create(bytes, options);
    const head = await oneThreadSessionWith(model);
    const { [model.name]: activations } = await head.run({ [head.inputs[0].name]: image }, [model.name]);
    const runWith = (runtime, own) => async (data, dims) => {
      const outputs = await own.run({ [own.inputNames[0]]: new runtime.Tensor('float32', data, dims) });
      return outputs[own.outputNames[0]];
    };
    const start = performance.now();
    await plainScoreCam(runWith(ort, session), activations, image, CLASSES[name]);
    const node = performance.now() - start;
    // The wasm backend takes minutes for all channels: a share of them is run and the time scaled up.
    const share = Math.min(activations.dims[1], values.quick ? 16 : 64);
    const few = { data: activations.data.subarray(0, share * activations.dims[2] * activations.dims[3]), dims: [1, share, ...activations.dims.slice(2)] };
    const wasm = await web.InferenceSession.create(bytes);
    const begun = performance.now();
    await plainScoreCam(runWith(web, wasm), few, image, CLASSES[name]);
    const inBrowserEngine = ((performance.now() - begun) * activations.dims[1]) / share;
    const own = ours.get(name) ?? (await timed(() => cam.explain(image, full(name))));
    rows.push([
      name,
      ms(own),
      `${ms(node)} (${ratio(node / own)})`,
      `${ms(inBrowserEngine)} (${ratio(inBrowserEngine / own)}, from ${share} channels)`,
    ]);
    await Promise.all([head.dispose(), session.release(), wasm.release()]);
  }
  printTable(['model', 'onnx-cam ms', 'JavaScript + onnxruntime-node ms', 'JavaScript + onnxruntime-web wasm ms'], rows);
  console.log();
}

if (wants('peers') && values.python) {
  printScorePeers(values.python, 'score-cam', { threads, quick: values.quick, ours });
  console.log();
}

const name = 'efficientnet-lite0';
const { cam } = loaded.get(name);
if (wants('loop')) {
  await cam.explain(image, full(name));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let i = 0; i < (values.quick ? 1 : 3); i++) await cam.explain(image, full(name));
  delay.disable();
  const at = percentile => (delay.percentile(percentile) / 1e6).toFixed(2);
  printTable(['event-loop delay', 'p50 ms', 'p99 ms', 'max ms'], [['Score-CAM', at(50), at(99), (delay.max / 1e6).toFixed(1)]]);
  console.log('1.08 ms is the resolution of the monitor.\n');
}

if (wants('memory')) {
  const rows = [];
  const count = values.quick ? 10 : 200;
  for (let i = 0; i <= count; i++) {
    if (i % Math.ceil(count / 5) === 0) {
      globalThis.gc?.();
      rows.push([i, (process.memoryUsage.rss() / 2 ** 20).toFixed(0)]);
    }
    await cam.explain(image, { ...full(name), params: { topK: 200 } });
  }
  printTable(['Score-CAMs (200 channels)', 'RSS MB'], rows);
  console.log();
}

if (wants('quality')) {
  const settings = [
    ...[10, 30, 100, 300].map(topK => [`score-cam topK ${topK}`, { method: 'score-cam', params: { topK } }]),
    ['score-cam topK 100, rank gradient', { method: 'score-cam', params: { topK: 100, rank: 'gradient' } }],
    ...[16, 32, 64].map(groups => [`group-cam groups ${groups}`, { method: 'group-cam', params: { groups } }]),
    ['group-cam groups 32, clusters', { method: 'group-cam', params: { groups: 32, cluster: true } }],
    ['grad-cam', { method: 'grad-cam' }],
    ['recipro-cam', { method: 'recipro-cam' }],
  ];
  for (const reference of ['paper', 'pytorch-grad-cam']) {
    const rows = [];
    const whole = new Map();
    for (const path of [CAT, COFFEE, ROCKET])
      whole.set(path, await cam.explain(path, { method: 'score-cam', convention: reference }));
    const all = [...whole.values()];
    rows.push(['score-cam, all channels', '1.000', Math.round(mean(all.map(({ runs }) => runs.network))), ms(mean(all.map(({ timings }) => timings.total)))]);
    for (const [label, setting] of settings) {
      const results = [];
      for (const path of whole.keys()) results.push([path, await cam.explain(path, { convention: reference, ...setting })]);
      rows.push([
        label,
        mean(results.map(([path, { map }]) => correlation(map.data, whole.get(path).map.data))).toFixed(3),
        Math.round(mean(results.map(([, { runs }]) => runs.network + runs.tail))),
        ms(mean(results.map(([, { timings }]) => timings.total))),
      ]);
    }
    console.log(`against the full Score-CAM in the ${reference} convention, means over cat, coffee, rocket:`);
    printTable(['setting', 'correlation', 'runs', 'ms'], rows);
    console.log();
  }
}
for (const { cam } of loaded.values()) await cam.dispose();

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function oneThreadSessionWith({ model, externalFiles }) {
  const { Session } = await import('../build/modules/engine/session.js');
  return Session.create(model, { intraOpNumThreads: 1, externalFiles });
}

function mean(numbers) {
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}
