// Gradients of a score of a model beside the values of the framework that made the file.
import { differentiate } from '../../build/modules/autodiff/differentiate.js';
import { Session } from '../../build/modules/engine/session.js';
import { serializeModel } from '../../build/modules/model/file/serialize-model.js';
import { expose } from '../../build/modules/model/graph/expose.js';
import { makeValueInfo } from '../../build/modules/model/graph/value-info.js';

const SEED = 'seed';

/**
 * Gradients of Σ seed·score at the tensors `wrt`, by name.
 * @param seed { tensor, dims, data }: the score's tensor, its dimensions in this run and the weights of its elements
 * @param input the value of the model's input
 */
export async function gradientsAt(model, seed, wrt, input) {
  const graph = model.graph.clone();
  const shape = model.facts.get(seed.tensor).dims;
  graph.inputs.push(makeValueInfo(SEED, 'float32', shape));
  const facts = new Map(model.facts).set(SEED, { type: 'float32', dims: shape });
  const seeds = { [seed.tensor]: { gradient: SEED } };
  const { gradients, facts: known } = differentiate({ graph, facts, seeds, wrt });
  graph.outputs.length = 0;
  const outputs = new Map(wrt.map(name => [name, expose(graph, gradients.get(name), known)]));
  const { model: bytes, externalFiles } = serializeModel(graph);
  const session = await Session.create(bytes, { externalFiles, graphOptimizationLevel: 'all' });
  const feeds = { [model.input.name]: input, [SEED]: { type: 'float32', data: seed.data, dims: seed.dims } };
  const values = await session.run(feeds, [...outputs.values()]);
  await session.dispose();
  return new Map(wrt.map(name => [name, values[outputs.get(name)]]));
}

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

/**
 * Relative l2 error of the first `batch` pictures, estimated from the sampled values; where all pictures were run, at
 * least that of the whole gradient's norm, which sees what sparse gradients hide from samples.
 */
export function gradientError(tensor, expected, batch) {
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
