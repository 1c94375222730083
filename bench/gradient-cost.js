/**
 * What do forward and backward pass cost together, beside the forward pass alone?
 *
 * `npm run build`, then `node bench/gradient-cost.js FOLDER [--only NAME,…] [--threads N] [--rounds N]` for every .onnx
 * file of a folder. Gradients of the largest logit with respect to the last feature map, the middle one of its layers and
 * the input, each in its own session, timed in turn with the plain forward pass of the file: medians of the ratios round by
 * round, `!` where a goal is missed. `--cpu-time` counts processor time, for a machine that is busy with other things.
 * `--profile last|middle|input` adds ONNX Runtime's profile of that gradient by operator, `--nodes N` the N costliest nodes.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { differentiate } from '../build/modules/autodiff/differentiate.js';
import { appendClassSeed } from '../build/modules/autodiff/seed.js';
import { Session } from '../build/modules/engine/session.js';
import { expose } from '../build/modules/model/graph/expose.js';
import { loadModel } from '../build/modules/model/load-model.js';
import { serializeModel } from '../build/modules/model/file/serialize-model.js';
import { physicalCores } from '../build/modules/engine/physical-cores.js';
import { pictureTensor } from './support/models.js';
import { nodeCosts, operatorCosts } from './support/profile.js';
import { cpuTime, inTurn, median, ms, pairedRatio, printHead, printTable } from './support/report.js';

const GOALS = { last: 1.1, middle: 1.6, input: 2.8 };
const MEASURED_MS = 20_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    threads: { type: 'string' },
    rounds: { type: 'string' },
    'cpu-time': { type: 'boolean' },
    profile: { type: 'string' },
    nodes: { type: 'string', default: '0' },
  },
});
const [folder] = positionals;
if (!folder) throw new Error('name a folder with ONNX models');
const threads = Number(values.threads ?? physicalCores());
const session = { intraOpNumThreads: threads };
const createSession = (model, options) => Session.create(model, { ...session, ...options });

/** The extended model for the gradient of the largest logit with respect to a tensor, with its feeds and outputs. */
function withGradient({ graph: original, facts: known, logits, input }, tensor) {
  const graph = original.clone();
  const { index, facts, feeds } = appendClassSeed(graph, known, logits.tensor);
  const seeds = { [logits.tensor]: { index } };
  const result = differentiate({ graph, facts, seeds, wrt: [tensor], lazy: true });
  graph.outputs.length = 0;
  const tensors = [logits.tensor, ...(tensor === input.name ? [] : [tensor]), result.gradients.get(tensor)];
  const outputs = tensors.map(name => expose(graph, name, result.facts));
  return { ...serializeModel(graph), outputs, feeds: feeds([-1]), count: result.nodeCount };
}

async function measure(file) {
  const bytes = new Uint8Array(readFileSync(file));
  const model = await loadModel(file, { createSession });
  const [, , height, width] = model.facts.get(model.input.name).dims;
  const image = { [model.input.name]: pictureTensor(1, height, width) };
  const plain = await createSession(bytes);
  const open = [plain];
  const tasks = { forward: () => plain.run(image, [plain.outputs[0].name]) };
  const extended = {};
  for (const [depth, tensor] of Object.entries({ last: model.chosen.name, middle: model.layers[model.layers.length >> 1].name, input: model.input.name })) {
    const { model: graph, externalFiles, feeds, outputs } = (extended[depth] = withGradient(model, tensor));
    const run = await createSession(graph, { externalFiles });
    open.push(run);
    tasks[depth] = () => run.run({ ...image, ...feeds }, outputs);
  }
  const rounds = values.rounds ? Number(values.rounds) : await roundsFor(tasks);
  const times = await inTurn(tasks, { rounds, warmups: 3, ...(values['cpu-time'] && { clock: cpuTime }) });
  await Promise.all(open.map(item => item.dispose()));
  const forward = median(times.forward);
  if (values.profile) await printProfile(basename(file, '.onnx'), extended[values.profile], image, forward);
  return {
    forward,
    ratios: Object.keys(GOALS).map(depth => pairedRatio(times, depth, 'forward')),
    nodes: Object.values(extended).map(({ count }) => count),
  };
}

/** As many rounds as fit into the time for one model, within reason. */
async function roundsFor(tasks) {
  const start = performance.now();
  for (const task of Object.values(tasks)) await task();
  return Math.min(60, Math.max(9, Math.round(MEASURED_MS / (performance.now() - start))));
}

async function printProfile(name, { model, externalFiles, feeds, outputs }, image, forward) {
  const nodes = await nodeCosts(model, { ...session, externalFiles }, { ...image, ...feeds }, outputs);
  console.log(`\n${name}: ${ms(forward)} ms forward; gradient of the ${values.profile}`);
  const share = time => [ms(time), (time / forward).toFixed(2)];
  printTable(
    ['operator', 'nodes', 'ms', '× forward'],
    operatorCosts(nodes)
      .slice(0, 14)
      .map(({ side, op, count, time }) => [`${side} ${op}`, count, ...share(time)]),
  );
  const costly = nodes.slice(0, Number(values.nodes));
  if (costly.length > 0)
    printTable(['node', 'ms', '× forward', 'shapes'], costly.map(node => [`${node.op} ${node.name}`, ...share(node.time), node.shapes.join(' ')]));
}

const only = values.only?.split(',');
const files = readdirSync(folder)
  .filter(name => name.endsWith('.onnx') && (!only || only.includes(basename(name, '.onnx'))))
  .sort();
printHead('Forward and backward over forward', { threads });
const rows = [];
for (const file of files) {
  const { forward, ratios, nodes } = await measure(join(folder, file));
  const cells = Object.values(GOALS).map((goal, i) => `${ratios[i].toFixed(2)} ${ratios[i] > goal ? '!' : ' '}`);
  rows.push([basename(file, '.onnx'), ms(forward), ...cells, nodes.join(' / ')]);
  console.error(rows.at(-1).join('  '));
}
const heads = Object.entries(GOALS).map(([depth, goal]) => `${depth} ≤ ${goal.toFixed(2)}`);
printTable(['model', 'forward ms', ...heads, 'nodes added'], rows);
