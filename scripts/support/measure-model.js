// Measures one model of the zoo: `node measure-model.js MODEL.onnx '["grad-cam", …]'` prints one JSON object: the layer
// chosen, the gradients' errors against the golden values beside the model, and what each method gives.
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { differentiate } from '../../dist/autodiff/differentiate.js';
import { Session } from '../../dist/engine/session.js';
import { listMethods, load } from '../../dist/index.js';
import { readNpy } from '../../dist/io/npy.js';
import { serializeModel } from '../../dist/model/file/write.js';
import { expose } from '../../dist/model/graph/expose.js';
import { makeValueInfo } from '../../dist/model/graph/value-info.js';
import { loadModel } from '../../dist/model/load-model.js';
import { segmentation, similarity } from '../../dist/targets/index.js';

const [, , path, methods] = process.argv;
const golden = JSON.parse(readFileSync(path.replace(/\.onnx$/, '.json'), 'utf8'));
const { data, dims } = await readNpy(join(dirname(path), golden.input));
const SEED = 'seed';

/** Where golden values sample a tensor: test/golden/weights.py `positions`. */
function positions(size, count) {
  return Array.from({ length: count }, (_, i) => {
    let x = Math.imul(i, 0x9e3779b1) | 0;
    x ^= x >>> 16;
    x = Math.imul(x, 0x7feb352d);
    x ^= x >>> 15;
    x = Math.imul(x, 0x846ca68b);
    x ^= x >>> 16;
    return (x >>> 0) % size;
  });
}

function slice(tensor, count) {
  const [, ...rest] = tensor.dims;
  const size = rest.reduce((product, dim) => product * dim, 1);
  return { type: 'float32', data: tensor.data.subarray(0, count * size), dims: [count, ...rest] };
}

/**
 * Relative l2 error of the first `batch` pictures, estimated from the sampled values; where all pictures were run, at
 * least that of the whole gradient's norm, which sees what sparse gradients hide from samples.
 */
function error(tensor, expected, batch) {
  const size = expected.dims.reduce((product, dim) => product * dim, 1);
  const whole = batch === expected.dims[0];
  let [difference, count] = [0, 0];
  for (const [i, position] of positions(size, expected.values.length).entries()) {
    if (position >= (size / expected.dims[0]) * batch) continue;
    difference += (tensor.data[position] - expected.values[i]) ** 2;
    count++;
  }
  const sampled = Math.sqrt((difference / count) * size) / expected.l2;
  const norm = Math.sqrt(tensor.data.reduce((sum, value) => sum + value * value, 0));
  return whole ? Math.max(sampled, Math.abs(norm / expected.l2 - 1)) : sampled;
}

/** The layer chosen, one in the middle and the input, as far as golden values are known for them. */
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
  const graph = model.graph.clone();
  const score = model.logits.tensor;
  const shape = model.facts.get(score).dims;
  const batch = model.input.batch ?? golden.targets.length;
  graph.inputs.push(makeValueInfo(SEED, 'float32', shape));
  const facts = new Map(model.facts).set(SEED, { type: 'float32', dims: shape });
  const wrt = [...new Set(Object.values(tensors).filter(Boolean))];
  const { gradients, facts: known } = differentiate({ graph, facts, seeds: { [score]: { gradient: SEED } }, wrt });
  graph.outputs.length = 0;
  const outputs = new Map(wrt.map(name => [name, expose(graph, gradients.get(name), known)]));
  const { model: bytes, externalFiles } = serializeModel(graph);
  const session = await Session.create(bytes, { externalFiles, graphOptimizationLevel: 'all' });
  const full = [batch, ...shape.slice(1)];
  const seed = new Float32Array(full.reduce((product, dim) => product * dim, 1));
  const perClass = full.slice(2).reduce((product, dim) => product * dim, 1);
  for (let i = 0; i < batch; i++)
    seed.fill(1, (i * full[1] + golden.targets[i]) * perClass, (i * full[1] + golden.targets[i] + 1) * perClass);
  const values = await session.run(
    { [model.input.name]: slice({ data, dims }, batch), [SEED]: { type: 'float32', data: seed, dims: full } },
    [...outputs.values()],
  );
  await session.dispose();
  return Object.fromEntries(
    Object.entries(tensors).map(([depth, name]) => {
      const expected = golden.gradients[name];
      if (!expected) return [depth, null];
      const tensor = { error: error(values[outputs.get(name)], expected, batch), gap: expected.gap };
      return [depth, { tensor: name, ...tensor, chosen: name === model.chosen?.name }];
    }),
  );
}

/** Parameters that keep the runs few. */
const FEW_RUNS = { topK: 8, n: 2, groups: 4, references: 1 };

function fewRuns(names) {
  const known = new Set(listMethods().flatMap(({ name, params }) => (names.includes(name) ? Object.keys(params) : [])));
  return Object.fromEntries(Object.entries(FEW_RUNS).filter(([name]) => known.has(name)));
}

/** Methods that can be run share one call, unless it fails: then each is tried by itself. */
async function methodResults(cam, target) {
  const one = slice({ data, dims }, 1);
  const names = JSON.parse(methods);
  const refused = cam.unsupported(names, { target });
  const results = Object.fromEntries([...refused].map(([name, problem]) => [name, outcome(problem)]));
  const left = names.filter(name => !refused.has(name));
  const explain = several =>
    cam.explain(one, { methods: several, params: fewRuns(several), target, signal: AbortSignal.timeout(600_000) });
  try {
    for (const found of await explain(left)) results[found.method] = { status: found.status };
  } catch {
    for (const name of left)
      try {
        const [found] = await explain([name]);
        results[name] = { status: found.status };
      } catch (problem) {
        results[name] = outcome(problem);
      }
  }
  return results;
}

const outcome = ({ code = 'none', message }) => ({ code, message });

function targetOf(family) {
  if (family === 'embeddings') return similarity(slice({ data: data.subarray(data.length / 2), dims }, 1));
  if (family === 'segmentation') return segmentation({ classIndex: golden.targets[0] });
  return golden.targets[0];
}

const result = { label: basename(path, '.onnx') };
try {
  result.gradients = await gradientErrors();
} catch (problem) {
  result.gradients = { code: problem.code ?? 'none', message: problem.message };
}
try {
  const cam = await load(path);
  const chosen = cam.layers().find(layer => layer.chosen);
  result.layer = chosen && { ...chosen };
  result.methods = await methodResults(cam, targetOf(golden.family));
  await cam.dispose();
} catch (problem) {
  result.error = { code: problem.code ?? 'none', message: problem.message };
}
console.log(JSON.stringify(result));
