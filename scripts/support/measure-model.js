// Measures one model of the zoo: `node measure-model.js MODEL.onnx '["grad-cam", …]'` prints one JSON object: the layers
// chosen and why, warnings, the gradients' errors against the golden values beside the model, and what each method gives.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Session } from '../../build/modules/engine/session.js';
import { load } from '../../build/modules/index.js';
import { readNpy } from '../../build/modules/io/npy.js';
import { loadModel } from '../../build/modules/model/load-model.js';
import { segmentation, similarity } from '../../build/modules/targets/index.js';
import { generalised } from './generalised.js';
import { gradientError, gradientsAt } from './golden-gradients.js';
import { runMethods } from './run-methods.js';

const [, , path, methods] = process.argv;
const golden = JSON.parse(readFileSync(path.replace(/\.onnx$/, '.json'), 'utf8'));
const { data, dims } = await readNpy(join(dirname(path), golden.input));

function slice(tensor, count) {
  const [, ...rest] = tensor.dims;
  const size = rest.reduce((product, dim) => product * dim, 1);
  return { type: 'float32', data: tensor.data.subarray(0, count * size), dims: [count, ...rest] };
}

/** The layer chosen (of several the last), one in the middle and the input, as far as golden values are known for them. */
function tensorsToCheck({ graph, layers, chosen, input }) {
  const order = new Map(graph.nodes.flatMap((node, i) => node.outputs.map(name => [name, i])));
  const known = layers.filter(({ name }) => golden.gradients[name]);
  const at = order.get(chosen?.name) ?? graph.nodes.length;
  const nearest = wanted =>
    known.reduce((best, { name }) => {
      const distance = Math.abs(order.get(name) - wanted);
      return best === undefined || distance < Math.abs(order.get(best) - wanted) ? name : best;
    }, undefined);
  return { last: nearest(at), middle: nearest(at / 2), input: input.name };
}

async function gradientErrors() {
  const model = await loadModel(path, {
    createSession: (bytes, session) => Session.create(bytes, session),
    size: dims[1] === 3 ? [dims[3], dims[2]] : [dims[2], dims[1]],
  });
  const tensors = tensorsToCheck(model);
  const score = model.logits.tensor;
  const shape = model.facts.get(score).dims;
  const batch = model.input.batch ?? golden.targets.length;
  const full = [batch, ...shape.slice(1)];
  const seed = new Float32Array(full.reduce((product, dim) => product * dim, 1));
  const perClass = full.slice(2).reduce((product, dim) => product * dim, 1);
  for (let i = 0; i < batch; i++)
    seed.fill(1, (i * full[1] + golden.targets[i]) * perClass, (i * full[1] + golden.targets[i] + 1) * perClass);
  const wrt = [...new Set(Object.values(tensors).filter(Boolean))];
  const values = await gradientsAt(model, { tensor: score, dims: full, data: seed }, wrt, slice({ data, dims }, batch));
  return Object.fromEntries(
    Object.entries(tensors).map(([depth, name]) => {
      const expected = golden.gradients[name];
      if (!expected) return [depth, null];
      const error = significant(gradientError(values.get(name), expected, batch));
      const near = depth === 'last' && name !== model.chosen?.name;
      return [depth, { error, gap: significant(expected.gap), ...(near && { near }) }];
    }),
  );
}

function targetOf(family) {
  if (family === 'embeddings') return similarity(slice({ data: data.subarray(data.length / 2), dims }, 1));
  if (family === 'segmentation') return segmentation({ classIndex: golden.targets[0] });
  return golden.targets[0];
}

/** Methods by what they give: 'ok', 'empty' (ran, and its map is all zero or constant), or the error they end in. */
function grouped(found) {
  const groups = {};
  for (const [name, { status, code, message }] of Object.entries(found)) {
    const group = status ? (status === 'ok' ? 'ok' : 'empty') : `${code}: ${generalised(message, name)}`;
    (groups[group] ??= []).push(name);
  }
  return groups;
}

const significant = value => Number(value.toPrecision(2));
const result = {};
try {
  result.gradients = await gradientErrors();
} catch (problem) {
  result.gradients = { code: problem.code ?? 'none', message: problem.message };
}
try {
  const cam = await load(path);
  const chosen = cam.layers().filter(layer => layer.chosen);
  result.layers = chosen.map(({ operator, shape, reason }) => ({ operator, shape, reason }));
  const [image, target] = [slice({ data, dims }, 1), targetOf(golden.family)];
  const { warnings } = await cam.explain(image, { method: 'eigen-cam', target });
  if (warnings.length > 0) result.warnings = warnings;
  result.methods = grouped(await runMethods(cam, image, JSON.parse(methods), target));
  await cam.dispose();
} catch (problem) {
  result.error = { code: problem.code ?? 'none', message: problem.message };
}
console.log(JSON.stringify(result));
