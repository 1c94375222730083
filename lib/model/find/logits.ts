import { OnnxCamError } from '../../common/errors.ts';
import { didYouMean } from '../../common/suggest.ts';
import { elementCount } from '../../engine/tensor.ts';
import { constantValues } from '../graph/constant-chain.ts';
import { dependentTensors } from '../graph/data-flow.ts';
import type { FactTable, TensorFacts } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { beforeQuantization } from './quantization.ts';

/**
 * What the scores are turned into after the logits: `softmax` and `sigmoid` heads end in that operator, `logits` means
 * none was found (softmax is the usual reading), `regression` is a single value or a Tanh, `embedding` a vector of unit
 * length; these two have no probability. `confidence` scores are probabilities themselves.
 */
export type HeadKind = 'logits' | 'softmax' | 'sigmoid' | 'regression' | 'embedding' | 'confidence';

/** The class scores of a model, before a final Softmax or Sigmoid. */
export interface Logits {
  /** The graph output that they belong to. */
  readonly output: string;
  /** Tensor of the logits themselves; equal to `output` when no activation follows. */
  readonly tensor: string;
  /** Shape of `tensor`, −1 where dynamic. */
  readonly dims: readonly number[];
  /** Number of classes. */
  readonly classes: number;
  /** Axis of `dims` that counts the classes. */
  readonly classAxis: number;
  /** True when there are scores for more than one position (segmentation, dense detection). */
  readonly spatial: boolean;
  readonly kind: HeadKind;
  /** Why this tensor, for people. */
  readonly reason: string;
}

/** Handed through on the way from the output back to the activation: they move no value to another class. */
const RESHAPING = new Set(['Identity', 'Dropout', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);

/**
 * Finds the class output and looks through its final Softmax, LogSoftmax, Sigmoid or ArgMax.
 * @param wanted name of the output, for models with several; without it the first of rank 2 with more than one class,
 * else the first of floating type
 * @throws OnnxCamError `ERR_OPTION_INVALID` for an output that the model does not have, `ERR_MODEL_UNSUPPORTED` when
 * no output holds floating-point scores that depend on the input
 */
export function findLogits(graph: Graph, facts: FactTable, wanted?: string): Logits {
  const output = chooseOutput(graph, facts, wanted);
  const labels = isFloat(facts.get(output)!) ? undefined : labelsOf(graph, output);
  if (labels) return beforeArgMax(graph, facts, output, labels);
  let tensor = output;
  for (let node = graph.producer(tensor); node; node = graph.producer(tensor)) {
    const before = RESHAPING.has(node.op) ? node.inputs[0] : beforeQuantization(graph, tensor);
    const source = facts.get(before ?? '');
    if (!source || !isFloat(source) || !keepsClasses(source, facts.get(tensor)!)) break;
    tensor = before!;
  }
  const found = activationOf(graph, facts, tensor);
  if (found && found.axis !== 0) {
    const dims = facts.get(found.input)!.dims;
    const classAxis = found.axis ?? classAxisOf(graph, found.input, dims);
    return describe(output, found.input, dims, classAxis, found.kind, `input of the final ${found.operator}`);
  }
  const dims = facts.get(output)!.dims;
  const kind = plainKind(graph, tensor, dims);
  return describe(
    output,
    output,
    dims,
    classAxisOf(graph, output, dims),
    kind,
    `output "${output}", no final Softmax or Sigmoid`,
  );
}

/** The ArgMax that makes the classes of an output of whole numbers. */
function labelsOf(graph: Graph, output: string): GraphNode | undefined {
  let node = graph.producer(output);
  while (node && RESHAPING.has(node.op)) node = graph.producer(node.inputs[0]!);
  return node?.op === 'ArgMax' && node.domain === '' ? node : undefined;
}

function beforeArgMax(graph: Graph, facts: FactTable, output: string, { inputs, attributes }: GraphNode): Logits {
  const [scores] = inputs as [string];
  const { dims } = facts.get(scores)!;
  const axis = attributes.int('axis', 0);
  const classAxis = axis < 0 ? axis + dims.length : axis;
  const found = activationOf(graph, facts, scores);
  if (found && found.axis === classAxis)
    return describe(
      output,
      found.input,
      facts.get(found.input)!.dims,
      classAxis,
      found.kind,
      `input of the final ${found.operator}`,
    );
  return describe(output, scores, dims, classAxis, 'logits', 'input of the final ArgMax');
}

function describe(
  output: string,
  tensor: string,
  dims: readonly number[],
  classAxis: number,
  kind: HeadKind,
  reason: string,
): Logits {
  const spatial = dims.some((dim, axis) => axis > 0 && axis !== classAxis && dim !== 1);
  return { output, tensor, dims, classes: dims[classAxis] ?? 1, classAxis, spatial, kind, reason };
}

function chooseOutput(graph: Graph, facts: FactTable, wanted: string | undefined): string {
  const names = graph.outputs.map(({ name }) => name);
  if (wanted !== undefined && !names.includes(wanted))
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `the model has no output "${wanted}"${didYouMean(wanted, names)}; it has ${names.join(', ')}`,
    );
  const dependent = dependentTensors(
    graph,
    graph.inputs.map(({ name }) => name),
  );
  const usable = (wanted === undefined ? names : [wanted]).filter(name => {
    const known = facts.get(name);
    return known && (isFloat(known) || isLabels(graph, facts, name)) && known.dims.length > 0 && dependent.has(name);
  });
  const scores = usable.filter(name => isFloat(facts.get(name)!));
  const chosen = scores.find(name => isClassVector(facts.get(name)!)) ?? scores[0] ?? usable[0];
  if (chosen === undefined)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `no output holds floating-point scores that depend on the input; the model's outputs are ${names.join(', ')}`,
    );
  return chosen;
}

/** Classes that were chosen from floating-point scores. */
function isLabels(graph: Graph, facts: FactTable, output: string): boolean {
  const scores = facts.get(labelsOf(graph, output)?.inputs[0] ?? '');
  return scores !== undefined && isFloat(scores) && scores.dims.length > 1;
}

function isClassVector({ dims }: TensorFacts): boolean {
  return dims.length === 2 && dims[1]! > 1;
}

function isFloat({ type }: TensorFacts): boolean {
  return type === 'float32' || type === 'float16' || type === 'float64' || type === 'bfloat16';
}

/** Between a Transpose to channels last and the output: they leave the axes where they are. */
const KEEPS_AXES = new Set(['Identity', 'Dropout', 'Cast', 'Resize', 'Upsample', 'Add', 'Sub', 'Mul', 'Div', 'Relu']);

/**
 * Rank 2 and 3: the last axis. Images: the only axis longer than 1, the last one where a Transpose put the channels there
 * ([N,h,w,K]), else the second ([N,K,h,w]).
 */
function classAxisOf(graph: Graph, tensor: string, dims: readonly number[]): number {
  if (dims.length <= 3) return dims.length - 1;
  const long = dims.flatMap((dim, axis) => (axis > 0 && dim !== 1 ? [axis] : []));
  if (long.length === 1) return long[0]!;
  let node = graph.producer(tensor);
  while (node?.domain === '' && KEEPS_AXES.has(node.op))
    node = graph.producer(node.inputs.find(input => graph.producer(input)) ?? '');
  const perm = node?.op === 'Transpose' ? node.attributes.ints('perm') : undefined;
  return perm?.at(-1) === 1 ? dims.length - 1 : 1;
}

/** Only axes of length 1 may come or go, so that every value keeps its class. */
function keepsClasses(from: TensorFacts, to: TensorFacts): boolean {
  const long = ({ dims }: TensorFacts) => dims.filter(dim => dim !== 1).join();
  return long(from) === long(to);
}

interface Activation {
  readonly operator: string;
  readonly kind: HeadKind;
  readonly input: string;
  /** Class axis of `input`, where the operator says it. */
  readonly axis: number | undefined;
}

function activationOf(graph: Graph, facts: FactTable, tensor: string): Activation | undefined {
  const node = graph.producer(tensor);
  if (node?.domain !== '') return undefined;
  const input = node.inputs[0]!;
  const rank = facts.get(input)?.dims.length ?? 0;
  switch (node.op) {
    case 'Sigmoid':
      return { operator: 'Sigmoid', kind: 'sigmoid', input, axis: undefined };
    case 'Softmax':
    case 'LogSoftmax':
      return { operator: node.op, kind: 'softmax', input, axis: softmaxAxis(graph, facts, node, rank) };
    case 'Log': {
      const inner = graph.producer(input);
      if (inner?.domain !== '') return undefined;
      if (inner.op === 'Div') return decomposedSoftmax(graph, facts, inner);
      if (inner.op !== 'Softmax') return undefined;
      const [scores] = inner.inputs as [string];
      const axis = softmaxAxis(graph, facts, inner, facts.get(scores)?.dims.length ?? 0);
      return { operator: 'Softmax', kind: 'softmax', input: scores, axis };
    }
    case 'Div':
      return decomposedSoftmax(graph, facts, node);
    default:
      return undefined;
  }
}

/** Before opset 13 all axes from `axis` (default 1) on were one; where only one of them is longer than 1, it is that. */
function softmaxAxis(graph: Graph, facts: FactTable, node: GraphNode, rank: number): number | undefined {
  const axis = node.attributes.int('axis', graph.opset < 13 ? 1 : -1);
  const first = axis < 0 ? axis + rank : axis;
  if (graph.opset >= 13) return first;
  const dims = facts.get(node.inputs[0]!)!.dims;
  const long = dims.flatMap((dim, index) => (index >= first && dim !== 1 ? [index] : []));
  return long.length <= 1 ? (long[0] ?? first) : undefined;
}

/** Exp(x − ReduceMax(x)) / ReduceSum(Exp(…)), as converters write it for tensors of rank 4. */
function decomposedSoftmax(graph: Graph, facts: FactTable, div: GraphNode): Activation | undefined {
  const [exponential, total] = div.inputs.map(name => graph.producer(name));
  if (exponential?.op !== 'Exp' || total?.op !== 'ReduceSum' || total.inputs[0] !== div.inputs[0]) return undefined;
  const shifted = graph.producer(exponential.inputs[0]!);
  const largest = shifted?.op === 'Sub' ? graph.producer(shifted.inputs[1]!) : undefined;
  const isShift = largest?.op === 'ReduceMax' && largest.inputs[0] === shifted!.inputs[0];
  const input = isShift ? shifted!.inputs[0]! : exponential.inputs[0]!;
  const axes = total.attributes.ints('axes') ?? constantValues(graph, facts, total.inputs[1] ?? '');
  const rank = facts.get(input)?.dims.length ?? 0;
  if (axes?.length !== 1) return undefined;
  return { operator: 'Softmax', kind: 'softmax', input, axis: axes[0]! < 0 ? axes[0]! + rank : axes[0]! };
}

function plainKind(graph: Graph, tensor: string, dims: readonly number[]): HeadKind {
  const node = graph.producer(tensor);
  if (node?.op === 'LpNormalization') return 'embedding';
  if (node?.op === 'Div' && isNorm(graph, node.inputs[1]!, node.inputs[0]!)) return 'embedding';
  const single = elementCount(dims.slice(1).map(Math.abs)) === 1 && dims.length > 1;
  return node?.op === 'Tanh' || single ? 'regression' : 'logits';
}

/** ‖x‖₂, perhaps clipped away from zero and expanded, as PyTorch's `normalize` is exported. */
function isNorm(graph: Graph, tensor: string, of: string): boolean {
  let node = graph.producer(tensor);
  while (node && ['Clip', 'Max', 'Expand', 'Identity'].includes(node.op)) node = graph.producer(node.inputs[0]!);
  return node?.op === 'ReduceL2' && node.inputs[0] === of;
}
