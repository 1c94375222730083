/**
 * What does a model with the explanation inside cost beside the plain model, in each runtime?
 *
 * `npm run build`, then `node bench/export.js [--quick] [--threads N,…] [--models a,b] [--only TEXT] [--python PATH] [--cpu-time]`.
 * Forward passes of one picture at 224 × 224, plain and exported in turn, in the engine of this package, onnxruntime-node and
 * onnxruntime-web (WASM); with a Python that has onnxruntime and openvino in these as well (bench/peers/export_peers.py). Medians
 * of the ratios round by round; the goal is 1.05 for Grad-CAM, `!` where it is missed. `--cpu-time` counts processor time, for a
 * machine that is busy with other things. Layers at 1.00 are those of the last convolution, which methods take by default.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';
import { physicalCores } from '../build/modules/engine/physical-cores.js';
import { Session } from '../build/modules/engine/session.js';
import { load } from '../build/modules/index.js';
import { modelBytes, pictureTensor } from './support/models.js';
import { runPeers } from './support/peers.js';
import { cpuTime, inTurn, median, ms, pairedRatio, printHead, printTable } from './support/report.js';

const GOAL = 1.05;
const MODELS = { 'efficientnet-lite0': 'efficientnet-lite0', resnet50: 'resnet50-legacy-17' };
const EXPORTS = {
  'grad-cam': {},
  'grad-cam of class 7': { target: 7 },
  'grad-cam of cam_class': { target: 'input' },
  'grad-cam at the input’s size': { map: 'input' },
  'grad-cam at the input’s size, uint8': { map: 'input', uint8: true },
  'grad-cam of pictures': { preprocess: true },
  ...Object.fromEntries(
    [
      'cam',
      'hirescam',
      'grad-cam++',
      'xgrad-cam',
      'layer-cam',
      'activation-mean',
      'fem',
      'eigen-cam',
      'recipro-cam',
    ].map(method => [method, { method }]),
  ),
  'layer-cam of stages': { method: 'layer-cam', layer: 'stages' },
};

const text = { type: 'string' };
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    threads: text,
    models: { type: 'string', default: Object.keys(MODELS).join() },
    only: text,
    python: text,
    'cpu-time': { type: 'boolean' },
  },
});
const threadCounts = (values.threads ?? [...new Set([1, physicalCores()])].join()).split(',').map(Number);
const clock = values['cpu-time'] ? cpuTime : () => performance.now();
const kinds = Object.keys(EXPORTS).filter(name => values.only === undefined || name.includes(values.only));
const NO_SPINNING = { session: { intra_op: { allow_spinning: '0' } } };

/** How each runtime opens a model: a function that runs it, and one that closes it. */
const RUNTIMES = {
  async engine(bytes, feeds, intraOpNumThreads) {
    const session = await Session.create(bytes, { intraOpNumThreads });
    const outputs = session.outputs.map(({ name }) => name);
    return { run: () => session.run(feeds, outputs), close: () => session.dispose() };
  },
  // Threads of one session would spin on into the run of the next.
  'onnxruntime-node': (bytes, feeds, intraOpNumThreads) =>
    throughOrt(node, bytes, feeds, { intraOpNumThreads, extra: NO_SPINNING }),
  'onnxruntime-web': (bytes, feeds) => throughOrt(web, bytes, feeds, {}),
};

async function throughOrt({ InferenceSession, Tensor }, bytes, feeds, options) {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3, ...options });
  const tensors = Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]);
  return { run: () => session.run(Object.fromEntries(tensors)), close: () => session.release() };
}

const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-export-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

printHead('Exported models against the plain model');
for (const name of values.models.split(',')) {
  const files = await exportsOf(name);
  for (const threads of threadCounts) {
    const columns = {};
    for (const [runtime, open] of Object.entries(RUNTIMES)) {
      // The number of threads of WebAssembly is the same for all sessions of a process.
      if (runtime === 'onnxruntime-web' && threads > 1) continue;
      web.env.wasm.numThreads = 1;
      columns[runtime] = await measure(files, open, threads);
    }
    if (values.python) Object.assign(columns, peersOf(name, threads));
    print(name, threads, columns);
  }
}

/** The plain model and its exports, with what is fed to them. */
async function exportsOf(name) {
  const bytes = await modelBytes(MODELS[name]);
  const cam = await load(bytes, { preprocess: { size: [224, 224] } });
  const probe = await Session.create(bytes, {});
  const input = probe.inputs[0].name;
  await probe.dispose();
  const images = pictureTensor(1);
  const pictures = { type: 'uint8', data: images.data.map(value => 128 + 50 * value), dims: [1, 224, 224, 3] };
  pictures.data = Uint8Array.from(pictures.data);
  const classes = { type: 'int64', data: BigInt64Array.of(-1n), dims: [1] };
  const files = { plain: { bytes, feeds: { [input]: images } } };
  for (const kind of kinds) {
    const options = EXPORTS[kind];
    files[kind] = {
      bytes: await cam.export(options),
      feeds: {
        [input]: options.preprocess ? pictures : images,
        ...(options.target === 'input' && { cam_class: classes }),
      },
    };
  }
  await cam.dispose();
  for (const [kind, file] of Object.entries(files)) writeFileSync(join(folder, fileName(name, kind)), file.bytes);
  return files;
}

function fileName(name, kind) {
  return `${name} ${kind}.onnx`;
}

/** @returns milliseconds of the plain model, and how much longer each export takes */
async function measure(files, open, threads) {
  const opened = {};
  for (const [kind, { bytes, feeds }] of Object.entries(files)) opened[kind] = await open(bytes, feeds, threads);
  const tasks = Object.fromEntries(Object.entries(opened).map(([kind, { run }]) => [kind, run]));
  const times = await inTurn(tasks, { rounds: values.quick ? 9 : 41, warmups: 3, clock });
  for (const { close } of Object.values(opened)) await close();
  return {
    plain: median(times.plain),
    ratios: Object.fromEntries(kinds.map(kind => [kind, pairedRatio(times, kind, 'plain')])),
  };
}

function peersOf(name, threads) {
  const rounds = ['--rounds', values.quick ? '9' : '41', ...(values['cpu-time'] ? ['--cpu-time'] : [])];
  const paths = ['plain', ...kinds].map(kind => join(folder, fileName(name, kind)));
  const records = runPeers(values.python, 'export_peers.py', ['--threads', String(threads), ...rounds, ...paths]);
  return Object.fromEntries(
    records.map(({ runtime, plain, ratios }) => [
      runtime,
      { plain, ratios: Object.fromEntries(kinds.map((kind, i) => [kind, ratios[i]])) },
    ]),
  );
}

function print(name, threads, columns) {
  console.log(`\n${name}, ${threads} thread${threads === 1 ? '' : 's'}${values['cpu-time'] ? ', processor time' : ''}`);
  const cell = (kind, ratio) => `${ratio.toFixed(3)}${kind === 'grad-cam' && ratio > GOAL ? ' !' : '  '}`;
  printTable(
    ['model', ...Object.keys(columns)],
    [
      ['plain, ms', ...Object.values(columns).map(({ plain }) => `${ms(plain)}  `)],
      ...kinds.map(kind => [kind, ...Object.values(columns).map(({ ratios }) => cell(kind, ratios[kind]))]),
    ],
  );
}
