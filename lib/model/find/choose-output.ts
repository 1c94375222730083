import { OnnxCamError } from '../../common/errors.ts';
import { didYouMean } from '../../common/suggest.ts';
import { dependentTensors } from '../graph/data-flow.ts';
import type { FactTable, TensorFacts } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import { RESHAPING, scoresBehind } from './class-names.ts';
import { isFeatureVector, isUnitVector } from './feature-vectors.ts';
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
  readonly holds: 'classes' | 'features' | 'perhaps features' | 'coordinates';
  /** What people are told where there was a choice. */
  readonly choice?: string;
}

const CLASSES =
  /logit|prob|score|class|cls|categor|label|pred|softmax|sigmoid|conf|dense_?\d*$|^fc\d*$|^output_?0?$|^out$/i;
/** Said by people who know, not by exporters. */
const SAYS_CLASSES = /logit|prob|score|class|cls|categor|label|pred|softmax|sigmoid/i;
const COORDINATES = /box|offset|landmark|keypoint|kpt|coord|loc$|regress/i;
const NO_CLASSES =
  /feat|embed|hidden|pool|box|offset|landmark|keypoint|kpt|point|coord|pose|loc$|regress|coef|proto|attention|attn|latent|token|backbone|neck|aux|domain|gate|gating|router|uncertain|log_?var|sigma/i;
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
  const most = rated.reduce((high, { rating }) => Math.max(high, rating), Number.NEGATIVE_INFINITY);
  const [best] = deepestOfAKind(
    graph,
    rated.filter(({ rating }) => rating === most),
  );
  if (!best)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `no output holds floating-point scores that depend on the image; the model's outputs are ${names.join(', ')}`,
    );
  const holds = contentOf(graph, facts, best, context.classNames);
  if (wanted !== undefined) return { name: best.name, holds };
  const others = rated.filter(({ root, from }) => root !== best.root && from !== best.from);
  return { name: best.name, holds, ...(others.length > 0 && { choice: choiceOf(best, others) }) };
}

/**
 * Of equal heads those of the same length as the first with the most layers with weights before them: auxiliary ones, and
 * those of deep supervision, leave the network earlier.
 */
function deepestOfAKind(graph: Graph, equal: readonly Candidate[]): readonly Candidate[] {
  const [first] = equal;
  const alike = equal.filter(({ known }) => known.dims.join() === first!.known.dims.join());
  if (alike.length < 2) return equal;
  const depths = new Map<string, number>();
  for (const { op, inputs, outputs } of graph.nodes) {
    const before = inputs.reduce((most, name) => Math.max(most, depths.get(name) ?? 0), 0);
    for (const name of outputs) depths.set(name, before + (WEIGHTED.has(op) ? 1 : 0));
  }
  const depth = ({ root }: Candidate) => depths.get(root) ?? 0;
  return [alike.reduce((deepest, one) => (depth(one) > depth(deepest) ? one : deepest))];
}

/** Lengths that networks' features have; from this on, and in these steps. */
const FEATURE_STEP = 64;
const FEWEST_FEATURES = 128;

function contentOf(
  graph: Graph,
  facts: FactTable,
  { name, root, known, activation }: Candidate,
  classNames: number | undefined,
): ChosenOutput['holds'] {
  const length = known.dims.slice(1).find(size => size !== 1) ?? 1;
  if (length === classNames) return 'classes';
  if (COORDINATES.test(name) && !SAYS_CLASSES.test(name) && activation !== 'Softmax') return 'coordinates';
  if (activation) return 'classes';
  if (FEATURES.test(name) || isUnitVector(graph, root)) return 'features';
  if (SAYS_CLASSES.test(name)) return 'classes';
  if (isFeatureVector(graph, facts, root)) return 'features';
  return length >= FEWEST_FEATURES && length % FEATURE_STEP === 0 && classNames === undefined
    ? 'perhaps features'
    : 'classes';
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
  { name, root, known: { dims, rowsPerImage }, activation, looked }: Candidate,
  all: readonly Candidate[],
  graph: Graph,
  { input, classNames }: OutputContext,
): number {
  let points = looked ? -1 : 0;
  if (activation) points += activation === 'Softmax' ? 6 : 4;
  if (CLASSES.test(name)) points += 3;
  if (/^logits?$/i.test(name)) points += 4;
  if (NO_CLASSES.test(name)) points -= 5;
  if (isUnitVector(graph, root)) points -= 4;
  for (const other of all) {
    if (other.name === name || other.root === root) continue;
    // What it is an activation of holds the scores, what others are computed from by weights holds features.
    if (other.from === root) points += 3;
    else if (isWeighedInto(graph, root, other.root)) points -= 7;
  }
  const long = dims.slice(1).filter(size => size !== 1);
  if (long.length === 1 && long[0] !== -1) points += 2;
  if (long.length === 0) points += 1;
  if (dims.slice(1).includes(-1)) points -= 3;
  if (rowsPerImage !== undefined) points -= 4;
  if (input && dims.length > 1 && dims[0] !== (input.batch ?? -1)) points -= 4;
  if (classNames !== undefined && long.length <= 1) points += (long[0] ?? 1) === classNames ? 6 : -1;
  return points;
}

/** Whether layers with weights lie between a tensor and another one. */
function isWeighedInto(graph: Graph, from: string, to: string): boolean {
  const reached = dependentTensors(graph, [from]);
  if (!reached.has(to)) return false;
  const seen = dependentTensors(
    graph,
    graph.inputs.map(({ name }) => name),
  );
  const ancestors = new Set([to]);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some(output => ancestors.has(output) && reached.has(output)) || node.outputs.includes(from))
      continue;
    if (WEIGHTED.has(node.op)) return true;
    // A gate or attention: a product with something else of the picture.
    if (node.op === 'Mul' && node.inputs.some(name => !reached.has(name) && seen.has(name))) return true;
    for (const name of node.inputs) if (reached.has(name)) ancestors.add(name);
  }
  return false;
}

/** Outputs that a note names one by one. */
const NAMED = 4;

function choiceOf(best: Candidate, others: readonly Candidate[]): string {
  const list = others.slice(0, NAMED).map(({ name, known: { dims } }) => `"${name}" [${shape(dims)}]`);
  const rest = others.length > NAMED ? [`${others.length - NAMED} more`] : [];
  return (
    `of the model's outputs "${best.name}" [${shape(best.known.dims)}] is explained, not ${[...list, ...rest].join(', ')}; ` +
    `another is chosen with the option \`output\` (--output ${others[0]?.name}) or the target output("${others[0]?.name}", …)`
  );
}

const shape = (dims: readonly number[]): string => dims.map(dim => (dim < 0 ? 'N' : dim)).join(',');
