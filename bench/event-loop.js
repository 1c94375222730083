/**
 * How long does the event loop stand still while eight pictures are explained at once, decoding included, beside
 * onnxruntime-node running the same model on the same pictures? `npm run build`, then `node bench/event-loop.js`.
 */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { load } from '../dist/index.js';
import { BUNDLED, CAT, COFFEE, ROCKET } from './support/models.js';
import { printHead, printTable } from './support/report.js';

const PICTURES = [CAT, COFFEE, ROCKET, CAT, COFFEE, ROCKET, CAT, COFFEE];
const SECONDS = process.argv.includes('--quick') ? 1 : 5;

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
