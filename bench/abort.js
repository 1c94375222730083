/**
 * How long after its signal does a call end that is aborted while a model is loaded, or while the first map's graph is built, its
 * session made and run? Signals fire at even steps over the time that the whole takes; the event loop's longest stretch of processor
 * time (Linux) is of calls that nobody aborts. `npm run build`, then `node bench/abort.js MODEL… [--method NAME] [--points 12]
 * [--size 224]`.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { load } from '../dist/index.js';
import { median, printHead, printTable } from './support/report.js';

const { values, positionals: models } = parseArgs({
  allowPositionals: true,
  options: {
    method: { type: 'string', default: 'grad-cam' },
    points: { type: 'string', default: '12' },
    size: { type: 'string', default: '224' },
  },
});
const size = Number(values.size);
const points = Number(values.points);
const data = Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i));
const image = { type: 'float32', data, dims: [1, 3, size, size] };
const explain = (cam, signal) => cam.explain(image, { method: values.method, ...(signal && { signal }) });

const mainThread = () => Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;

/** @returns how long it took, and the longest stretch between two turns of the loop */
async function watched(task) {
  let [longest, last, over] = [0, mainThread(), false];
  const turn = () => {
    const now = mainThread();
    longest = Math.max(longest, now - last);
    last = now;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  const start = performance.now();
  const result = await task();
  over = true;
  return { result, span: performance.now() - start, longest };
}

/** @returns milliseconds from the signal to the end of the call; undefined where it was done before */
async function lateness(task, at) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), at);
  const start = performance.now();
  try {
    await task(controller.signal);
    return undefined;
  } catch (error) {
    if (error.code !== 'ERR_ABORTED') throw error;
    return performance.now() - start - at;
  } finally {
    clearTimeout(timer);
  }
}

const rows = [];
for (const model of models) {
  const runs = [];
  for (let round = 0; round < 4; round++) {
    const loading = await watched(() => load(model));
    const first = await watched(() => explain(loading.result));
    await loading.result.dispose();
    if (round > 0) runs.push({ load: loading, explain: first });
  }
  for (const what of ['load', 'explain']) {
    const span = median(runs.map(run => run[what].span));
    const late = [];
    for (let i = 0; i < points; i++) {
      const at = (span * (i + 0.5)) / points;
      if (what === 'load') late.push(await lateness(async signal => (await load(model, { signal })).dispose(), at));
      else {
        const cam = await load(model);
        late.push(await lateness(signal => explain(cam, signal), at));
        await cam.dispose();
      }
    }
    const found = late.filter(one => one !== undefined);
    const longest = Math.min(...runs.map(run => run[what].longest));
    rows.push([basename(model), what, span, median(found), Math.max(...found), longest].map(show));
  }
}

function show(value) {
  return typeof value === 'number' ? value.toFixed(0) : value;
}

printHead('Aborts');
printTable(['milliseconds', '', 'whole', 'late, median', 'late, most', 'longest stretch'], rows);
