/**
 * The native kernels against their plain JavaScript twins and TensorFlow.js (cpu and wasm backends), on the last layer of
 * a ResNet-50 and on a large middle layer. Run `npm run build` first, then `node bench/kernels.js [--quick]`.
 *
 * Times are medians and include the promise of a native call. Bandwidth counts what a kernel must read and write at
 * least; a memory copy reads and writes every byte once.
 */
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import * as kernels from '../dist/kernels/index.js';
import * as reference from '../build/modules/reference/kernels/index.js';

const require = createRequire(import.meta.url);
const quick = process.argv.includes('--quick');
const SHAPES = [
  [1, 2048, 7, 7],
  [8, 512, 28, 28],
];

/** Median time of a call in µs: at least `least` calls within about `budget` ms, after warming up. */
async function timeOf(run, budget = quick ? 100 : 600, least = 5) {
  for (let i = 0; i < 3; i++) await run();
  const times = [];
  const end = performance.now() + budget;
  while (times.length < least || performance.now() < end) {
    const start = performance.now();
    await run();
    times.push((performance.now() - start) * 1000);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

function random(dims, shift = 0) {
  return { data: Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => Math.random() + shift), dims };
}

async function loadTensorflow() {
  const tf = require('@tensorflow/tfjs');
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/wasm-out/`);
  tf.enableProdMode();
  return tf;
}

/** The kernels: bytes moved at least, native call, twin, and the same in TensorFlow.js where it has the operations. */
function cases([n, c, h, w]) {
  const a = random([n, c, h, w]);
  const g = random([n, c, h, w], -0.5);
  const weights = random([n, c], -0.5);
  const maps = random([n, h, w]);
  const size = 4 * a.data.length;
  const side = 224;
  const to = { width: side, height: side, interpolation: 'bilinear' };
  return [
    {
      name: 'channelMeans',
      bytes: size,
      native: () => kernels.channelMeans(g),
      plain: () => reference.channelMeans(g),
      tensors: [g],
      tensorflow: (tf, [x]) => tf.mean(x, [2, 3]),
    },
    {
      name: 'weightedSum',
      bytes: size,
      native: () => kernels.weightedSum(a, weights.data),
      plain: () => reference.weightedSum(a, weights.data),
      tensors: [{ ...a, dims: [n, c, h * w] }, { ...weights, dims: [n, 1, c] }],
      tensorflow: (tf, [x, y]) => tf.matMul(y, x),
    },
    {
      name: 'gradientProduct hirescam',
      bytes: 2 * size,
      native: () => kernels.gradientProduct(a, g, 'hirescam'),
      plain: () => reference.gradientProduct(a, g, 'hirescam'),
      tensors: [a, g],
      tensorflow: (tf, [x, y]) => tf.sum(tf.mul(x, y), 1),
    },
    {
      name: 'gradientProduct layercam',
      bytes: 2 * size,
      native: () => kernels.gradientProduct(a, g, 'layercam'),
      plain: () => reference.gradientProduct(a, g, 'layercam'),
      tensors: [a, g],
      tensorflow: (tf, [x, y]) => tf.sum(tf.mul(x, tf.relu(y)), 1),
    },
    {
      name: 'gradCamPlusPlusWeights pgc',
      bytes: 2 * size,
      native: () => kernels.gradCamPlusPlusWeights(a, g, 'pgc'),
      plain: () => reference.gradCamPlusPlusWeights(a, g, 'pgc'),
      tensors: [a, g],
      tensorflow: (tf, [x, y]) => {
        const square = tf.square(y);
        const cube = tf.mul(square, y);
        const below = tf.add(tf.mul(square, 2), tf.add(tf.mul(tf.sum(x, [2, 3], true), cube), 1e-6));
        return tf.sum(tf.mul(tf.relu(y), tf.div(square, below)), [2, 3]);
      },
    },
    {
      name: 'xgradCamWeights',
      bytes: 2 * size,
      native: () => kernels.xgradCamWeights(a, g, 1e-7),
      plain: () => reference.xgradCamWeights(a, g, 1e-7),
      tensors: [a, g],
      tensorflow: (tf, [x, y]) => tf.div(tf.sum(tf.mul(x, y), [2, 3]), tf.add(tf.sum(x, [2, 3]), 1e-7)),
    },
    {
      name: 'femMap',
      bytes: 2 * size,
      native: () => kernels.femMap(a, 2),
      plain: () => reference.femMap(a, 2),
    },
    {
      name: 'principalComponent',
      bytes: size,
      native: () => kernels.principalComponent(a, { centre: true, sign: 'activation' }),
      // Jacobi rotations of a 512 × 512 matrix take minutes.
      plain: Math.min(c, h * w) < 100 && (() => reference.principalComponent(a, { centre: true, sign: 'activation' })),
    },
    {
      name: 'kernelPca sigmoid',
      bytes: size,
      native: () => kernels.kernelPca(a, { kernel: 'sigmoid' }),
      plain: h * w < 100 && (() => reference.kernelPca(a, { kernel: 'sigmoid' })),
    },
    {
      name: 'normalize',
      bytes: 8 * maps.data.length,
      native: () => kernels.normalize(maps, { kind: 'pgc' }),
      plain: () => reference.normalize(maps, { kind: 'pgc' }),
      tensors: [maps],
      tensorflow: (tf, [x]) => {
        const low = tf.min(x, [1, 2], true);
        return tf.div(tf.sub(x, low), tf.add(tf.sub(tf.max(x, [1, 2], true), low), 1e-7));
      },
    },
    {
      name: `resize to ${side}`,
      bytes: 4 * n * side * side,
      native: () => kernels.resize(maps, to),
      plain: () => reference.resize(maps, to),
      tensors: [{ ...maps, dims: [n, h, w, 1] }],
      tensorflow: (tf, [x]) => tf.image.resizeBilinear(x, [side, side], false, true),
    },
  ];
}

function pixelCases() {
  const bytes = (width, height) => ({
    data: Uint8Array.from({ length: width * height * 3 }, () => Math.random() * 256),
    info: { width, height, channels: 3 },
  });
  const small = bytes(224, 224);
  const photo = bytes(1280, 960);
  const map = { data: random([960, 1280]).data, width: 1280, height: 960 };
  const table = Uint8Array.from({ length: 768 }, (_, i) => i & 255);
  const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const to = { width: 224, height: 224, interpolation: 'bilinear' };
  return [
    {
      name: 'imageToTensor 224',
      bytes: 15 * 224 * 224,
      native: () => kernels.imageToTensor(small, imagenet),
      plain: () => reference.imageToTensor(small, imagenet),
    },
    {
      name: 'resizeAntialiased 1280x960',
      bytes: photo.data.length,
      native: () => kernels.resizeAntialiased(photo, to),
      plain: () => reference.resizeAntialiased(photo, to),
    },
    {
      name: 'overlay 1280x960',
      bytes: 10 * 1280 * 960,
      native: () => kernels.overlay(photo, map, table, 0.5),
      plain: () => reference.overlay(photo, map, table, 0.5),
    },
  ];
}

/** A memory copy of as much as one activation tensor, in GB/s (bytes read and written). */
async function copyBandwidth(elements) {
  const from = new Float32Array(elements).fill(1);
  const to = new Float32Array(elements);
  return (8 * elements) / (await timeOf(() => to.set(from))) / 1e3;
}

async function tensorflowTimes(tf, list) {
  const times = list.map(() => ({}));
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    await tf.ready();
    for (const [i, { tensors, tensorflow }] of list.entries()) {
      if (!tensorflow) continue;
      const inputs = tensors.map(({ data, dims }) => tf.tensor(data, dims));
      // dataSync: a result that nobody reads is not computed by every backend.
      // Read outside `tidy`, which would walk through the numbers looking for tensors.
      times[i][backend] = await timeOf(() => {
        const result = tf.tidy(() => tensorflow(tf, inputs));
        result.dataSync();
        result.dispose();
      });
      for (const input of inputs) input.dispose();
    }
  }
  return times;
}

async function main() {
  const tf = await loadTensorflow();
  const version = name => require(`${name}/package.json`).version;
  console.log(`${cpus()[0]?.model}, ${cpus().length} logical processors, Node ${process.version}`);
  console.log(`kernel tier ${kernels.kernelTier()}, ${kernels.kernelThreads()} threads; @tensorflow/tfjs ${version('@tensorflow/tfjs')}`);
  for (const shape of [...SHAPES, null]) {
    const list = shape ? cases(shape) : pixelCases();
    const copy = await copyBandwidth(shape ? shape.reduce((a, b) => a * b) : 1280 * 960 * 3);
    console.log(`\n${shape ? `[${shape}]` : 'pictures'}; memory copy ${copy.toFixed(1)} GB/s`);
    const tensorflow = await tensorflowTimes(tf, list);
    const rows = [];
    for (const [i, { name, bytes, native, plain }] of list.entries()) {
      const tiers = {};
      const best = kernels.kernelTier();
      for (const tier of kernels.kernelTiers()) {
        kernels.setKernelTier(tier);
        tiers[tier] = await timeOf(native);
      }
      kernels.setKernelTier(best);
      const time = tiers[best];
      const plainTime = plain ? await timeOf(plain) : Number.NaN;
      const ratio = other => (other > 0 ? (other / time).toFixed(1) : '-');
      rows.push({
        kernel: name,
        'µs': Number(time.toPrecision(4)),
        'GB/s': Number((bytes / time / 1e3).toPrecision(3)),
        'of copy': `${Math.round((bytes / time / 1e3 / copy) * 100)} %`,
        '× plain JS': ratio(plainTime),
        '× tfjs cpu': ratio(tensorflow[i].cpu),
        '× tfjs wasm': ratio(tensorflow[i].wasm),
        ...Object.fromEntries(Object.entries(tiers).filter(([tier]) => tier !== best).map(([tier, value]) => [`× ${tier}`, ratio(value)])),
      });
    }
    console.table(rows);
  }
}

/** Why some lines miss 15 × plain JavaScript or 70 % of a copy's bandwidth on the large layer. */
const NOTES = `
normalize, resize, imageToTensor, overlay: one operation or table look-up per value, which JavaScript's compiler also does
  well; on small maps the call and its promise (about 1 µs) are most of the time.
channelMeans, xgradCamWeights: as fast as memory on the large layer, and plain JavaScript is less than 15 times slower.
gradCamPlusPlusWeights: one division per value; a core divides fewer floats than it reads.
femMap: three passes over the activations (mean, deviation, count) and one for the sum, each counted once as bytes moved.
principalComponent, kernelPca: arithmetic, not memory: a Gram matrix (side² · rest products) and its eigenvector.
resizeAntialiased: its twin is written to be read, with a call per value, and so flatters the native one.
[1,2048,7,7] fits into the second-level cache, where a copy is faster than any sum.`;

await main();
console.log(NOTES);
