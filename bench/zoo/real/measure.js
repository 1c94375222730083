// Runs every method on the models with trained weights that make_real.py fetched, and writes results.json beside this file:
//   npm run build && node bench/zoo/real/measure.js FOLDER [NAME ...] [--no-methods]
// Models that are not named keep their results. docs/models.md takes them in with `node scripts/make-support-table.js`.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Session } from '../../../build/modules/engine/session.js';
import { listMethods, load } from '../../../build/modules/index.js';
import { readNpy } from '../../../build/modules/io/npy.js';
import { loadModel } from '../../../build/modules/model/load-model.js';
import { graph, output, segmentation } from '../../../build/modules/targets/index.js';
import { gradientError, gradientsAt } from '../../../scripts/support/golden-gradients.js';
import { runMethods } from '../../../scripts/support/run-methods.js';

const { values: options, positionals } = parseArgs({
  options: { 'no-methods': { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [folder, ...only] = positionals;
if (!folder) throw new Error('node bench/zoo/real/measure.js FOLDER [NAME ...]: where make_real.py wrote the models');
const file = new URL('results.json', import.meta.url);
const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
const names = listMethods().map(({ name }) => name);
const significant = value => Number(value.toPrecision(4));

/** The target that the model's line in models.py asks for; undefined for the default. */
function targetOf(golden, path) {
  const { classIndex, segmentation: segment, blank, output: named } = golden.target;
  if (blank !== undefined) return graph(path.replace(/\.onnx$/, '.step.onnx'));
  if (segment !== undefined) return segmentation({ classIndex: segment });
  if (named !== undefined) return output(named, 0);
  return classIndex;
}

async function gradientErrors(golden, path, chosen) {
  if (!golden.gradients) return { unread: golden.unread };
  const input = await readNpy(path.replace(/\.onnx$/, '.npy'));
  const model = await loadModel(path, {
    createSession: (bytes, session) => Session.create(bytes, session),
    size: golden.size,
  });
  const { tensor, element, dims } = golden.seed;
  const data = new Float32Array(dims.reduce((product, size) => product * size, 1));
  data[element] = 1;
  const wrt = [chosen, model.input.name].filter(name => golden.gradients[name]);
  const found = await gradientsAt(model, { tensor, dims, data }, wrt, { type: 'float32', ...input });
  const errorAt = name => {
    const expected = golden.gradients[name];
    return expected && { error: gradientError(found.get(name), expected, 1), gap: expected.gap };
  };
  return { layer: errorAt(chosen), input: errorAt(model.input.name) };
}

/** What is chosen without being told anything but the preprocessing, and what it costs to say more. */
async function choices(cam, picture) {
  const chosen = cam.layers().filter(layer => layer.chosen);
  const layers = chosen.map(({ name, operator, shape, reason }) => ({ name, operator, shape, reason }));
  try {
    const { target, layer, warnings, status } = await cam.explain(picture, { method: 'eigen-cam' });
    return { layers, target: described(target), used: layer?.name, warnings, status };
  } catch ({ code, message }) {
    return { layers, error: { code, message } };
  }
}

function described({ kind, index, label, score, probability, box }) {
  const share = probability === null ? null : significant(probability);
  return { kind, index, label, score: significant(score), probability: share, ...(box && { box: box.map(significant) }) };
}

/** How many maps, and which methods give an empty one or refuse, by code. */
function counted(found) {
  const counts = { maps: 0, empty: [], refused: {} };
  for (const [name, { status, code }] of Object.entries(found))
    if (status === 'ok') counts.maps++;
    else if (status) counts.empty.push(name);
    else counts.refused[code] = [...(counts.refused[code] ?? []), name];
  return counts;
}

async function measure(label) {
  const path = join(folder, `${label}.onnx`);
  const golden = JSON.parse(readFileSync(path.replace(/\.onnx$/, '.json'), 'utf8'));
  const { package: source, licence, what, producer, opset } = golden;
  const about = { package: source, licence, what, producer, opset, bytes: golden.bytes };
  const loading = { preprocess: { ...golden.preprocess, size: golden.size } };
  const picture = path.replace(/\.onnx$/, '.png');
  let cam;
  try {
    cam = await load(path, loading);
  } catch ({ code, message }) {
    return { ...about, error: { code, message } };
  }
  const chosen = await choices(cam, picture);
  const target = targetOf(golden, path);
  const methods = options['no-methods'] ? null : counted(await runMethods(cam, picture, names, target));
  let [explained, gradients] = [null, null];
  try {
    explained = described((await cam.explain(picture, { method: 'eigen-cam', target })).target);
  } catch ({ code, message }) {
    explained = { error: { code, message } };
  }
  await cam.dispose();
  try {
    gradients = await gradientErrors(golden, path, chosen.layers[0]?.name);
  } catch ({ code, message }) {
    gradients = { code, message };
  }
  return { ...about, chosen, asked: golden.target, explained, gradients, methods };
}

const labels = readdirSync(folder)
  .filter(name => name.endsWith('.onnx') && existsSync(join(folder, name.replace(/\.onnx$/, '.json'))))
  .map(name => name.slice(0, -'.onnx'.length))
  .filter(label => only.length === 0 || only.includes(label));
for (const label of labels.sort((a, b) => statSync(join(folder, `${a}.onnx`)).size - statSync(join(folder, `${b}.onnx`)).size)) {
  results[label] = await measure(label);
  const sorted = Object.fromEntries(Object.entries(results).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(sorted, null, 1)}\n`);
  const { error, gradients, methods } = results[label];
  console.log(`${label}: ${error?.message ?? `${methods?.maps ?? '?'} of ${names.length} methods, ${JSON.stringify(gradients)}`}`);
}
