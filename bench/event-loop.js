/**
 * How long does the event loop stand still while pictures are explained? Every method of the registry, at the layer that it
 * takes by itself and at an early one with 1.2 million values; then eight Grad-CAMs at once beside onnxruntime-node running
 * the same model on the same pictures. `npm run build`, then
 * `node bench/event-loop.js [--quick] [METHOD …]`.
 *
 * Methods of attention are run on a small vision transformer of 785 tokens, all others on the bundled model, which is no
 * detector: D-RISE refuses it. What repeats the network many times is told to repeat it less often (Recipro-CAM, which runs
 * the tail for every position, is left out at the early layer): that changes how long it takes, not how long the loop
 * stands still.
 */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { runnerImport } from 'vite';
import { listMethods, load } from '../dist/index.js';
import { BUNDLED, CAT, COFFEE, pictureTensor, ROCKET } from './support/models.js';
import { printHead, printTable } from './support/report.js';

const PICTURES = [CAT, COFFEE, ROCKET, CAT, COFFEE, ROCKET, CAT, COFFEE];
const quick = process.argv.includes('--quick');
const SECONDS = quick ? 1 : 5;
const ROUNDS = quick ? 1 : 5;
const named = process.argv.slice(2).filter(argument => !argument.startsWith('--'));
/** Conv of the second block: [96, 112, 112]. */
const EARLY = [96, 112, 112];

/** Fewer repetitions of the network. */
const FEWER = {
  rise: { n: 64 },
  'd-rise': { n: 64 },
  'opti-cam': { n: 5 },
  'ss-cam': { n: 2, topK: 16 },
  'is-cam': { n: 2, topK: 16 },
  'score-cam': { topK: 64 },
  'group-cam': { topK: 64 },
  'poly-cam': { topK: 16 },
  'ablation-cam': { topK: 64 },
  'fd-cam': { topK: 64 },
};

/**
 * Processor time of the main thread in ms: a thread that waits for a core on a busy machine computes nothing. Linux only;
 * elsewhere the clock on the wall.
 */
const mainThread =
  process.platform === 'linux'
    ? () => Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[0]) / 1e6
    : () => performance.now();

/** Repeats `work` with a timer beside it: how long was the longest time between two of its turns, and how much was computed? */
async function gapsOf(work, rounds) {
  await work();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let longest = 0;
  let computed = 0;
  let wall = performance.now();
  let cpu = mainThread();
  const timer = setInterval(() => {
    const [nextWall, nextCpu] = [performance.now(), mainThread()];
    longest = Math.max(longest, nextWall - wall);
    computed = Math.max(computed, nextCpu - cpu);
    [wall, cpu] = [nextWall, nextCpu];
  }, 1);
  await sleep(20);
  [longest, computed] = [0, 0];
  delay.enable();
  const start = performance.now();
  for (let round = 0; round < rounds; round++) await work();
  const took = (performance.now() - start) / rounds;
  await sleep(5);
  delay.disable();
  clearInterval(timer);
  return { took, p99: delay.percentile(99) / 1e6, longest, computed };
}

const NOTHING = ['', '', '', ''];

/** Cells of one measurement; what a model cannot do is no figure. */
async function cells(work) {
  try {
    const { took, p99, longest, computed } = await gapsOf(work, ROUNDS);
    return [took.toFixed(0), p99.toFixed(1), longest.toFixed(1), computed.toFixed(1)];
  } catch (error) {
    return [error.code ?? error.message, '', '', ''];
  }
}

async function attentionModel() {
  const helper = fileURLToPath(new URL('../test/helpers/transformer-models.ts', import.meta.url));
  const { module } = await runnerImport(helper);
  return load(module.vitModel({ size: [112, 112], blocks: 4, heads: 4 }));
}

/** What a method does besides by its parameters and conventions. */
const VARIANTS = [
  { method: 'grad-cam', convention: 'pytorch-grad-cam', several: true },
  { method: 'layer-cam', several: true },
  { method: 'layer-cam', convention: 'torchcam', several: true },
  { method: 'layer-cam', params: { eigenSmooth: true } },
  { method: 'grad-cam-elementwise', params: { eigenSmooth: true } },
  { method: 'fullgrad', params: { mode: 'pgc' } },
  { method: 'smooth-grad-cam++', params: { mode: 'torchcam' } },
  { method: 'ablation-cam', params: { topK: 16, mode: 'mean' } },
  { method: 'ablation-cam', params: { topK: 16, mode: 'pgc' } },
  { method: 'group-cam', params: { denoise: 70, cluster: true } },
  { method: 'attention-rollout', params: { discard: 0.9 } },
  { method: 'gradient-rollout', params: { discard: 0.9 } },
];

async function everyMethod() {
  printHead('Event-loop delay of every method, one explanation at a time');
  const cam = await load(BUNDLED);
  const vit = await attentionModel();
  const early = cam.layers().find(({ shape }) => EARLY.every((length, i) => shape.at(i - 3) === length)).name;
  const stages = ['/stem_act/Clip_output_0', early, cam.layers().find(({ chosen }) => chosen).name];
  const patches = { type: 'float32', data: pictureTensor(1).data.slice(0, 3 * 112 * 112), dims: [1, 3, 112, 112] };
  const runs = [
    ...listMethods().map(({ name }) => ({ method: name, params: FEWER[name] })),
    ...VARIANTS.map(({ several, ...variant }) => (several ? { ...variant, layer: stages } : variant)),
  ];
  const rows = [];
  for (const options of runs) {
    const { method, params = {}, convention, layer } = options;
    if (named.length > 0 && !named.includes(method)) continue;
    const said = [convention, layer && `${layer.length} layers`, ...Object.entries(params).map(([key, value]) => `${key} ${value}`)];
    const name = [method, ...said.filter(Boolean)].join(', ');
    const { needs } = listMethods().find(one => one.name === method);
    if (needs.attention || method.startsWith('vit-')) rows.push([name, ...(await cells(() => vit.explain(patches, options))), ...NOTHING]);
    else {
      const own = await cells(() => cam.explain(CAT, options));
      const wide = needs.classifier === true || method === 'recipro-cam' || layer ? NOTHING : await cells(() => cam.explain(CAT, { ...options, layer: early }));
      rows.push([name, ...own, ...wide]);
    }
    console.error(rows.at(-1).join('  '));
  }
  printTable(['method', 'ms', 'p99', 'gap', 'computed', 'early: ms', 'p99', 'gap', 'computed'], rows);
  console.log('gap: the longest time between two turns of a timer of 1 ms; computed: the most processor time between two.');
  await Promise.all([cam.dispose(), vit.dispose()]);
}

/** Repeats `work` for a while under the loop monitor. */
async function watched(work) {
  await work();
  await sleep(100);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const end = performance.now() + SECONDS * 1000;
  let rounds = 0;
  for (; performance.now() < end; rounds++) await work();
  delay.disable();
  const at = percentile => (delay.percentile(percentile) / 1e6).toFixed(2);
  return [rounds * PICTURES.length, at(50), at(99), (delay.max / 1e6).toFixed(1)];
}

async function besideOnnxRuntime() {
  printHead(`Event-loop delay while ${PICTURES.length} explanations run, ${SECONDS} s each`);
  const cam = await load(BUNDLED);
  const tensors = await Promise.all(
    PICTURES.map(async path => {
      const { data } = await sharp(path).resize(224, 224, { fit: 'fill' }).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const values = new Float32Array(3 * 224 * 224);
      for (let p = 0; p < 224 * 224; p++) for (let c = 0; c < 3; c++) values[c * 224 * 224 + p] = (data[p * 3 + c] - 127) / 128;
      return { type: 'float32', data: values, dims: [1, 3, 224, 224] };
    }),
  );
  const session = await ort.InferenceSession.create(readFileSync(BUNDLED));
  const feeds = tensors.map(tensor => ({ input: new ort.Tensor('float32', tensor.data, tensor.dims) }));
  const rows = [
    ['onnx-cam: decode, Grad-CAM, map', ...(await watched(() => Promise.all(PICTURES.map(path => cam.explain(path)))))],
    ['onnx-cam: tensors, Grad-CAM', ...(await watched(() => Promise.all(tensors.map(tensor => cam.explain(tensor)))))],
    ['onnxruntime-node: forward only', ...(await watched(() => Promise.all(feeds.map(feed => session.run(feed)))))],
  ];
  printTable(['work', 'images', 'p50 ms', 'p99 ms', 'max ms'], rows);
  console.log('1.08 ms is the resolution of the monitor.');
  await cam.dispose();
}

await everyMethod();
if (named.length === 0) await besideOnnxRuntime();
