/**
 * Tries mutants one after the other and prints, a line each, `> INDEX` before and `< INDEX {outcome}` after; the parent
 * knows by the lines which one killed it. `node model-child.js SEED FROM TO FOLDER [MODEL]`: with MODEL (a file) that
 * one alone, the way of mutant FROM.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { load, OnnxCamError } from '../../dist/index.js';
import { makeMutant } from './model-mutant.js';
import { readSeeds } from './model-seeds.js';

const [seed, from, to] = process.argv.slice(2, 5).map(Number);
const folder = process.argv[5];
const given = process.argv[6];
const LOADING = { intraOpNumThreads: 1, logSeverityLevel: 4 };
const STATUSES = ['ok', 'zero', 'constant', 'not-finite'];

const picture = {
  data: Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * 37) % 251),
  info: { width: 32, height: 32, channels: 3 },
};

/** What models may refer to: weights, too few of them, and things that are no files. */
function prepareFolder() {
  mkdirSync(join(folder, 'folder'), { recursive: true });
  const bytes = Uint8Array.from({ length: 2 ** 18 }, (_, i) => (i % 4 === 3 ? 0x3d : i * 31));
  writeFileSync(join(folder, 'weights.bin'), bytes);
  writeFileSync(join(folder, 'short.bin'), bytes.subarray(0, 100));
  writeFileSync(join(folder, 'huge.bin'), '');
  truncateSync(join(folder, 'huge.bin'), 2 ** 29);
  try {
    symlinkSync('/dev/zero', join(folder, 'link'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
  } catch {
    // Where there are none, a missing file is what the model refers to.
  }
}

/** @returns undefined, or what is wrong with a result */
function complaint(explanation) {
  const { status, map, predictions } = explanation;
  if (!STATUSES.includes(status)) return `status ${status}`;
  if (!map.data.every(value => value >= 0 && value <= 1)) return 'a map with values outside 0..1';
  if (!predictions.every(({ index }) => Number.isInteger(index) && index >= 0)) return 'a prediction without a class';
  return undefined;
}

/** @returns undefined, or why an exported model does not load */
async function complaintAboutExport(bytes, size) {
  // Beside its weights, if they lie in files.
  const path = join(folder, 'exported.onnx');
  writeFileSync(path, bytes);
  try {
    await (await load(path, { ...LOADING, preprocess: { size } })).dispose();
  } catch (error) {
    return `an export that does not load: ${error.message}`;
  }
  return undefined;
}

async function attempt(mutant) {
  const { bytes, onDisk, method, tensor, size } = mutant;
  let source = bytes;
  if (onDisk) {
    source = join(folder, 'model.onnx');
    writeFileSync(source, bytes);
  }
  const image = tensor
    ? {
        type: 'float32',
        data: Float32Array.from({ length: tensor.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
        dims: tensor,
      }
    : picture;
  const codes = [];
  const allow = error => {
    if (!(error instanceof OnnxCamError) || !/^ERR_[A-Z_]+$/.test(error.code)) throw error;
    codes.push(error.code);
  };
  let cam;
  try {
    cam = await load(source, { ...LOADING, preprocess: { size } });
  } catch (error) {
    allow(error);
    return { kind: 'refused', codes };
  }
  try {
    if (!Array.isArray(cam.layers())) return { kind: 'finding', what: 'no list of layers' };
    const result = await cam.explain(image, { method }).catch(allow);
    for (const explanation of [result ?? []].flat(9)) {
      const wrong = complaint(explanation);
      if (wrong) return { kind: 'finding', what: wrong };
    }
    await cam.predict(image).catch(allow);
    const written = await cam.export({ method }).catch(allow);
    // What cannot be explained may be written and not load: export asks no runtime.
    const wrong = result && written && (await complaintAboutExport(written, size));
    if (wrong) return { kind: 'finding', what: wrong };
  } finally {
    await cam.dispose();
  }
  return { kind: codes.length > 0 ? 'refused' : 'explained', codes };
}

/** The frame of the library where something else than its own errors came from. */
function whatOf(error) {
  const frame = /dist\/[^)\s]+/.exec(error?.stack ?? '')?.[0] ?? '';
  return `${error?.name}: ${String(error?.message).slice(0, 200)} (${frame})`;
}

const line = text => writeSync(1, `${text}\n`);
// A rejection that nobody handles would end any user's process as well.
process.on('unhandledRejection', error => {
  line(`! ${JSON.stringify({ kind: 'finding', what: `unhandled ${whatOf(error)}` })}`);
  process.exit(3);
});

prepareFolder();
const seeds = readSeeds();
for (let index = from; index < to; index++) {
  const mutant = makeMutant(seeds, seed, index);
  if (given) mutant.bytes = new Uint8Array(readFileSync(given));
  line(`> ${index}`);
  const started = process.cpuUsage();
  const outcome = await attempt(mutant).catch(error => ({ kind: 'finding', what: whatOf(error), stack: error?.stack }));
  const { user, system } = process.cpuUsage(started);
  line(`< ${index} ${JSON.stringify({ ...outcome, seconds: (user + system) / 1e6 })}`);
}
process.exit(0);
