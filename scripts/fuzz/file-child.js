/**
 * Reads mutants one after another, in a process of their own: `node file-child.js SEED FROM TO FOLDER`. Prints `> INDEX`
 * before each and `< INDEX OUTCOME` behind it.
 */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load, OnnxCamError } from '../../build/modules/index.js';
import { readNpy } from '../../build/modules/io/npy.js';
import { makeMutant } from './file-mutant.js';
import { makeSeeds } from './file-seeds.js';

const MODEL = fileURLToPath(new URL('../../test/golden/relevance/plain.onnx', import.meta.url));
/** Small enough for what a picture may cost to show. */
const LIMIT = 2 ** 22;
/** What a file of each kind may be refused with. */
const CODES = {
  npy: ['ERR_IMAGE_INVALID', 'ERR_INPUT_SHAPE'],
  sidecar: ['ERR_OPTION_INVALID', 'ERR_LAYER_NOT_FOUND', 'ERR_INPUT_SHAPE', 'ERR_MODEL_UNSUPPORTED'],
  labels: ['ERR_OPTION_INVALID', 'ERR_TARGET_UNKNOWN', 'ERR_TARGET_RANGE'],
};

const [seed, from, to] = process.argv.slice(2, 5).map(Number);
const folder = process.argv[5];
const model = join(folder, 'model.onnx');
copyFileSync(MODEL, model);
const options = { limitInputPixels: LIMIT, intraOpNumThreads: 1 };
const [exact, fast] = [await load(MODEL, options), await load(MODEL, { ...options, decode: 'fast' })];
const seeds = await makeSeeds();
const sound = seeds.png[0];

const TASKS = {
  async npy({ bytes }) {
    const path = join(folder, 'array.npy');
    writeFileSync(path, bytes);
    const { data, dims } = await readNpy(path);
    await exact.explain({ type: 'float32', data, dims });
  },
  async sidecar({ bytes }) {
    writeFileSync(`${model}.json`, bytes);
    writeFileSync(join(folder, 'labels.txt'), seeds.labels[0]);
    await withModel(cam => cam.explain(sound));
  },
  async labels({ bytes }) {
    writeFileSync(`${model}.json`, JSON.stringify({ labels: 'labels.txt' }));
    writeFileSync(join(folder, 'labels.txt'), bytes);
    await withModel(cam => cam.explain(sound, { target: 'bird' }));
  },
};

async function picture({ bytes, fast: isFast }) {
  const result = await (isFast ? fast : exact).explain(bytes);
  await result.toBuffer();
}

async function withModel(task) {
  const cam = await load(model, options);
  try {
    await task(cam);
  } finally {
    await cam.dispose();
  }
}

for (let index = from; index < to; index++) {
  console.log(`> ${index}`);
  const mutant = makeMutant(seeds, seed, index);
  const start = process.cpuUsage();
  const outcome = await judge(mutant);
  const { user, system } = process.cpuUsage(start);
  console.log(`< ${index} ${JSON.stringify({ ...outcome, kind: mutant.kind, seconds: (user + system) / 1e6 })}`);
}
for (const name of ['model.onnx', 'model.onnx.json', 'labels.txt', 'array.npy'])
  rmSync(join(folder, name), { force: true });
await Promise.all([exact.dispose(), fast.dispose()]);

async function judge(mutant) {
  try {
    await (TASKS[mutant.kind] ?? picture)(mutant);
    return { result: 'read' };
  } catch (error) {
    const inner = causes(error).find(cause => cause instanceof TypeError || cause instanceof RangeError);
    const allowed = CODES[mutant.kind] ?? ['ERR_IMAGE_INVALID'];
    const isRight = error instanceof OnnxCamError && allowed.includes(error.code) && !inner;
    if (isRight) return { result: error.code };
    const { name, code, message } = error ?? {};
    return {
      finding: `${code ?? name}: ${String(message).slice(0, 200)}${inner ? ` (${inner.name}: ${inner.message})` : ''}`,
    };
  }
}

/** Whatever an error was made of: a slip of our own must not hide in a refusal. */
function causes(error) {
  return error instanceof Error ? [error, ...causes(error.cause)] : [];
}
