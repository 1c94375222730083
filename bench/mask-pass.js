/**
 * The masking pass alone: 7 × 7 channel maps → upsampled, stretched to [0, 1], multiplied into a 3 × 224 × 224 image,
 * written as a batch of 16. `npm run build`, then `node bench/mask-pass.js [--quick]`.
 *
 * Rivals: plain JavaScript; @tensorflow/tfjs on its cpu and wasm backends; sharp (resize of the 8-bit mask, composite of
 * the 8-bit picture: less than the others do); ONNX Runtime with Resize, min-max and Mul as graph nodes.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { Session } from '../build/modules/engine/session.js';
import { Graph, makeNode } from '../build/modules/model/graph/graph.js';
import { makeTensorProto } from '../build/modules/model/graph/tensor-values.js';
import { makeValueInfo } from '../build/modules/model/graph/value-info.js';
import { serializeModel } from '../build/modules/model/file/serialize-model.js';
import { nativeScoring } from '../build/modules/scoring/native-scoring.js';
import { seededRandom } from './support/random.js';
import { inTurn, median, printHead, printTable, ratio } from './support/report.js';
import { plainMask } from './support/scoring.js';

const { values } = parseArgs({ options: { quick: { type: 'boolean' } } });
const [COUNT, SIDE, SIZE] = [16, 7, 224];
const AREA = SIZE * SIZE;
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/wasm-out/`);
wasm.setThreadsCount(1);
tf.enableProdMode();
sharp.concurrency(1);

const random = seededRandom();
const maps = Float32Array.from({ length: COUNT * SIDE * SIDE }, () => Math.max(0, random() - 0.4));
const image = Float32Array.from({ length: 3 * AREA }, () => 4 * random() - 2);
const slots = new Float32Array(COUNT * 3 * AREA);

const variants = {
  kind: 'masks',
  maps,
  dims: [COUNT, SIDE, SIDE],
  select: Uint32Array.from({ length: COUNT }, (_, i) => i),
  canvas: [SIZE, SIZE],
  grid: 1,
  rule: { stretch: 2, epsilon: 1e-8, complement: false },
  image,
  background: null,
  shape: [3, SIZE, SIZE],
  channelsLast: false,
  scales: Float32Array.of(1),
  noise: { target: 0, deviation: 0, seed: 0 },
  noiseKeys: new Uint32Array(),
  offsets: new Uint32Array(),
};

function plain() {
  for (let i = 0; i < COUNT; i++) {
    const mask = plainMask(maps.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE), SIDE, SIDE, SIZE, SIZE);
    for (let c = 0; c < 3; c++)
      for (let p = 0; p < AREA; p++) slots[(i * 3 + c) * AREA + p] = image[c * AREA + p] * mask[p];
  }
}

/**
 * Channels last, as its resize wants it; the result is read back, because a model elsewhere needs it. Outside `tidy`,
 * which would walk through the numbers looking for tensors.
 */
function tensorflow() {
  const masked = tf.tidy(() => {
    const up = tf.image.resizeBilinear(tf.tensor4d(maps, [COUNT, SIDE, SIDE, 1]), [SIZE, SIZE], true);
    const low = up.min([1, 2], true);
    const masks = up.sub(low).div(up.max([1, 2], true).sub(low).add(1e-8));
    return tf.tensor4d(image, [1, SIZE, SIZE, 3]).mul(masks);
  });
  masked.dataSync();
  masked.dispose();
}

const picture = Buffer.from(Uint8Array.from({ length: 3 * AREA }, () => 256 * random()));
const raw = (width, height, channels) => ({ raw: { width, height, channels } });
async function sharpPass() {
  for (let i = 0; i < COUNT; i++) {
    const map = maps.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
    const max = Math.max(...map);
    const small = Uint8Array.from(map, value => (255 * value) / max);
    const mask = await sharp(small, raw(SIDE, SIDE, 1)).resize(SIZE, SIZE, { kernel: 'linear' }).toColourspace('srgb').raw().toBuffer();
    await sharp(picture, raw(SIZE, SIZE, 3))
      .composite([{ input: mask, ...raw(SIZE, SIZE, mask.length / AREA), blend: 'multiply' }])
      .raw()
      .toBuffer();
  }
}

async function resizeGraph() {
  const graph = new Graph({
    inputs: [makeValueInfo('maps', 'float32', ['N', 1, SIDE, SIDE]), makeValueInfo('image', 'float32', [1, 3, SIZE, SIZE])],
    outputs: [makeValueInfo('masked', 'float32', ['N', 3, SIZE, SIZE])],
    nodes: [
      makeNode('Resize', ['maps', '', 'scales'], ['up'], { mode: 'linear', coordinate_transformation_mode: 'align_corners' }),
      makeNode('ReduceMin', ['up'], ['low'], { axes: [2, 3] }),
      makeNode('ReduceMax', ['up'], ['high'], { axes: [2, 3] }),
      makeNode('Sub', ['up', 'low'], ['lifted']),
      makeNode('Sub', ['high', 'low'], ['range']),
      makeNode('Add', ['range', 'epsilon'], ['divisor']),
      makeNode('Div', ['lifted', 'divisor'], ['mask']),
      makeNode('Mul', ['image', 'mask'], ['masked']),
    ],
    initializers: new Map([
      ['scales', makeTensorProto('scales', 'float32', [4], Float32Array.of(1, 1, SIZE / SIDE, SIZE / SIDE))],
      ['epsilon', makeTensorProto('epsilon', 'float32', [], Float32Array.of(1e-8))],
    ]),
    opsets: new Map([['', 17]]),
    irVersion: 8,
  });
  const { model, externalFiles } = serializeModel(graph);
  const session = await Session.create(model, { intraOpNumThreads: 1, externalFiles });
  const feeds = {
    maps: { type: 'float32', data: maps, dims: [COUNT, 1, SIDE, SIDE] },
    image: { type: 'float32', data: image, dims: [1, 3, SIZE, SIZE] },
  };
  const outputs = { masked: { type: 'float32', data: slots, dims: [COUNT, 3, SIZE, SIZE] } };
  return { run: () => session.run(feeds, ['masked'], { outputs }), dispose: () => session.dispose() };
}

printHead(`Masking pass, ${COUNT} maps of ${SIDE} × ${SIDE} onto ${SIZE} × ${SIZE}, one thread`);
const graph = await resizeGraph();
const native = () => nativeScoring().writeVariants(variants, slots);
await native();
const ours = slots.slice();
plain();
const difference = slots.reduce((worst, value, i) => Math.max(worst, Math.abs(value - ours[i])), 0);
await graph.run();
const onnx = slots.reduce((worst, value, i) => Math.max(worst, Math.abs(value - ours[i])), 0);
console.log(`largest difference from plain JavaScript ${difference.toExponential(1)}, from ONNX Runtime ${onnx.toExponential(1)}`);

const tasks = { native, plain, 'ONNX Runtime nodes': graph.run, sharp: sharpPass };
const rounds = values.quick ? 5 : 30;
const times = await inTurn(tasks, { rounds, warmups: 3 });
for (const backend of ['wasm', 'cpu']) {
  await tf.setBackend(backend);
  await tf.ready();
  const name = `tfjs ${backend}`;
  Object.assign(times, await inTurn({ [name]: tensorflow }, { rounds: Math.min(rounds, 5), warmups: 1 }));
}
const base = median(times.native);
printTable(
  ['what', 'µs per map', 'ratio'],
  Object.entries(times).map(([name, own]) => [name, ((1000 * median(own)) / COUNT).toFixed(1), ratio(median(own) / base)]),
);
await graph.dispose();
