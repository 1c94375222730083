import { OnnxCamError } from '../../common/errors.ts';
import { didYouMean } from '../../common/suggest.ts';
import { dependentTensors } from '../graph/data-flow.ts';
import type { FactTable, TensorFacts } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import { RESHAPING, scoresBehind } from './class-names.ts';
import type { ImageInput } from './input.ts';

/** What is known besides the graph. */
export interface OutputContext {
  readonly input?: Pick<ImageInput, 'name' | 'batch'>;
  /** Number of labels, where there are some. */
  readonly classNames?: number;
}

/** The output that is explained. */
export interface ChosenOutput {
  readonly name: string;
  /** It holds features: nothing says that its values are classes. */
  readonly features: boolean;
  /** What people are told where there was a choice, or nothing that fits. */
  readonly note?: string;
}

const CLASSES =
  /logit|prob|score|class|cls|categor|label|pred|softmax|sigmoid|conf|dense_?\d*$|^fc\d*$|^output_?0?$|^out$/i;
const NO_CLASSES =
  /feat|embed|hidden|pool|box|offset|landmark|keypoint|kpt|point|coord|pose|loc$|regress|coef|proto|attention|attn|latent|token|backbone|neck|aux/i;
const FEATURES = /feat|embed|hidden|pool|latent|backbone|representation/i;
const WEIGHTED = new Set(['Gemm', 'MatMul', 'Conv', 'ConvTranspose', 'Einsum', 'LSTM', 'GRU', 'RNN']);

/**
 * Chooses the output with the class scores by what speaks for each: an activation at its end, its name, what is computed
 * from it, its shape, the number of labels. Of equal ones the first.
 * @throws `ERR_OPTION_INVALID` for a wanted output that the model doesn't have, `ERR_MODEL_UNSUPPORTED` when none holds
 * floating-point scores that depend on the image
 */
export function chooseOutput(
  graph: Graph,
  facts: FactTable,
  wanted: string | undefined,
  context: OutputContext,
): ChosenOutput {
  const names = graph.outputs.map(({ name }) => name);
  if (wanted !== undefined && !names.includes(wanted))
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `the model has no output "${wanted}"${didYouMean(wanted, names)}; it has ${names.join(', ')}`,
    );
  const sources = context.input ? [context.input.name] : graph.inputs.map(({ name }) => name);
  const dependent = dependentTensors(graph, sources);
  const found = (wanted === undefined ? names : [wanted]).flatMap(name => {
    const candidate = dependent.has(name) ? candidateOf(graph, facts, name) : undefined;
    return candidate ? [candidate] : [];
  });
  const rated = found.map(one => ({ ...one, rating: rate(one, found, graph, context) }));
  const best = rated.reduce(
    (most, one) => (one.rating > (most?.rating ?? Number.NEGATIVE_INFINITY) ? one : most),
    rated[0],
  );
  if (!best)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `no output holds floating-point scores that depend on the image; the model's outputs are ${names.join(', ')}`,
    );
  const features = !best.activation && (FEATURES.test(best.name) || isUnitVector(graph, best.root));
  if (wanted !== undefined) return { name: best.name, features };
  const others = rated.filter(({ root, from }) => root !== best.root && from !== best.from);
  return { name: best.name, features, note: noteOf(best, others, features) };
}

interface Candidate {
  readonly name: string;
  /** The tensor behind what only reshapes. */
  readonly root: string;
  /** What the scores are made of: equal for logits, their probabilities and the best class. */
  readonly from: string;
  readonly known: TensorFacts;
  readonly activation: 'Softmax' | 'Sigmoid' | undefined;
  /** A number or name of a class, not its scores. */
  readonly looked: boolean;
}

function candidateOf(graph: Graph, facts: FactTable, name: string): Candidate | undefined {
  const behind = scoresBehind(graph, facts, name);
  const own = facts.get(name);
  const looked = behind !== undefined;
  const known = looked ? facts.get(behind.scores) : own?.type.includes('float') ? own : undefined;
  if (!known || (looked && known.dims.length < 2 && own === undefined)) return undefined;
  const root = rootOf(graph, looked ? behind.scores : name);
  const node = graph.producer(root);
  const log = node?.op === 'Log' ? graph.producer(node.inputs[0]!) : node;
  const softmax =
    log?.op === 'Softmax' || log?.op === 'LogSoftmax' || (log?.op === 'Div' && endsSoftmax(graph, log.inputs));
  const activation = softmax ? 'Softmax' : node?.op === 'Sigmoid' ? 'Sigmoid' : undefined;
  const from = activation ? rootOf(graph, log!.op === 'Div' ? root : log!.inputs[0]!) : root;
  return { name, root, from, known, activation, looked };
}

const endsSoftmax = (graph: Graph, inputs: readonly string[]): boolean =>
  graph.producer(inputs[0]!)?.op === 'Exp' && graph.producer(inputs[1] ?? '')?.op === 'ReduceSum';

function rootOf(graph: Graph, tensor: string): string {
  let name = tensor;
  for (let node = graph.producer(name); node?.domain === '' && RESHAPING.has(node.op); node = graph.producer(name))
    name = node.inputs[0]!;
  return name;
}

function rate(
  { name, root, known: { dims }, activation, looked }: Candidate,
  all: readonly Candidate[],
  graph: Graph,
  { input, classNames }: OutputContext,
): number {
  let points = looked ? -1 : 0;
  if (activation) points += activation === 'Softmax' ? 6 : 4;
  if (CLASSES.test(name)) points += 3;
  if (NO_CLASSES.test(name)) points -= 5;
  if (isUnitVector(graph, root)) points -= 4;
  for (const other of all) {
    if (other.name === name || other.root === root) continue;
    // What it is an activation of holds the scores, what others are computed from by weights holds features.
    if (other.from === root) points += 3;
    else if (isWeighedInto(graph, root, other.root)) points -= 4;
  }
  const long = dims.slice(1).filter(size => size !== 1);
  if (long.length === 1 && long[0] !== -1) points += 2;
  if (long.length === 0) points += 1;
  if (dims.slice(1).includes(-1)) points -= 3;
  if (input && dims.length > 1 && dims[0] !== (input.batch ?? -1)) points -= 4;
  if (classNames !== undefined && long.length <= 1) points += (long[0] ?? 1) === classNames ? 6 : -1;
  return points;
}

function isUnitVector(graph: Graph, tensor: string): boolean {
  const node = graph.producer(tensor);
  if (node?.op === 'LpNormalization') return true;
  return node?.op === 'Div' && isNorm(graph, node.inputs[1]!, node.inputs[0]!);
}

/** ‖x‖₂, perhaps clipped away from zero and expanded, as PyTorch's `normalize` is exported. */
export function isNorm(graph: Graph, tensor: string, of: string): boolean {
  let node = graph.producer(tensor);
  while (node && ['Clip', 'Max', 'Expand', 'Identity'].includes(node.op)) node = graph.producer(node.inputs[0]!);
  return node?.op === 'ReduceL2' && node.inputs[0] === of;
}

/** Whether layers with weights lie between a tensor and another one. */
function isWeighedInto(graph: Graph, from: string, to: string): boolean {
  const reached = dependentTensors(graph, [from]);
  if (!reached.has(to)) return false;
  const ancestors = new Set([to]);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some(output => ancestors.has(output) && reached.has(output)) || node.outputs.includes(from))
      continue;
    if (WEIGHTED.has(node.op)) return true;
    for (const name of node.inputs) if (reached.has(name)) ancestors.add(name);
  }
  return false;
}

/** Outputs that a note names one by one. */
const NAMED = 4;

function noteOf(best: Candidate, others: readonly Candidate[], features: boolean): string | undefined {
  const list = others.slice(0, NAMED).map(({ name, known: { dims } }) => `"${name}" [${shape(dims)}]`);
  const rest = others.length > NAMED ? [`${others.length - NAMED} more`] : [];
  const choose =
    `of the model's outputs "${best.name}" [${shape(best.known.dims)}] is explained, not ${[...list, ...rest].join(', ')}; ` +
    `another is chosen with the option \`output\` (--output ${others[0]?.name}) or the target output("${others[0]?.name}", …)`;
  const says =
    `the output "${best.name}" looks like features, not like class scores, so that a class of it says little; ` +
    'similarity(picture) explains what makes two pictures alike';
  const parts = [...(features ? [says] : []), ...(others.length > 0 ? [choose] : [])];
  return parts.length > 0 ? parts.join('; ') : undefined;
}

const shape = (dims: readonly number[]): string => dims.map(dim => (dim < 0 ? 'N' : dim)).join(',');
