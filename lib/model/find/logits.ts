import { elementCount } from '../../engine/tensor.ts';
import { constantValues } from '../graph/constant-chain.ts';
import type { FactTable, TensorFacts } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { type Axes, isAllSpatial } from './axes.ts';
import { type ChosenOutput, chooseOutput, type OutputContext } from './choose-output.ts';
import { RESHAPING, type ScoresBehind, scoresBehind } from './class-names.ts';
import { isUnitVector } from './feature-vectors.ts';
import type { ImageInput } from './input.ts';
import { areProbabilities, beforeScaling } from './probabilities.ts';
import { beforeQuantization } from './quantization.ts';
import { traceAxes } from './trace-axes.ts';

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
  /** Axis of `dims` that counts the classes; where nothing does ([N], [N,h,w]) the one behind the last. */
  readonly classAxis: number;
  /** True when there are scores for more than one position (segmentation, dense detection). */
  readonly spatial: boolean;
  /** True when the first axis counts something else than images: steps, for instance. */
  readonly unbatched?: true;
  readonly kind: HeadKind;
  /** Why this tensor, for people. */
  readonly reason: string;
  /** What every result of it is told: which output was chosen among several. */
  readonly note?: string;
}

/** What is known of the model besides its graph. */
export interface LogitsContext extends OutputContext {
  readonly input?: ImageInput;
}

/**
 * Finds the class output and looks through its final Softmax, LogSoftmax, Sigmoid, ArgMax, TopK or list of names.
 * @param wanted name of the output; without it the one that most speaks for, see chooseOutput
 * @throws OnnxCamError `ERR_OPTION_INVALID` for an output that the model does not have, `ERR_MODEL_UNSUPPORTED` when
 * no output holds floating-point scores that depend on the input
 */
export function findLogits(graph: Graph, facts: FactTable, wanted?: string, context: LogitsContext = {}): Logits {
  const { name: output, holds, choice } = chooseOutput(graph, facts, wanted, context);
  const found = ofOutput({ graph, facts, input: context.input }, output);
  const says = found.spatial ? undefined : meaningOf(found, holds);
  const note = [says, choice].filter(text => text !== undefined).join('; ');
  return {
    ...found,
    ...(holds === 'features' && !found.spatial && found.kind === 'logits' && { kind: 'embedding' }),
    ...(holds === 'coordinates' && !found.spatial && { kind: 'regression' }),
    ...(note !== '' && { note }),
  };
}

/** What people are told of values that are hardly those of classes. */
function meaningOf({ output, classes }: Logits, holds: ChosenOutput['holds']): string | undefined {
  if (classes === 1) return undefined;
  const similar = 'similarity(picture) explains what makes two pictures alike';
  switch (holds) {
    case 'features':
      return `the output "${output}" looks like features, not like class scores, so that a class of it says little; ${similar}`;
    case 'perhaps features':
      return (
        `nothing says that the ${classes} values of the output "${output}" are classes (give their \`labels\`, --labels FILE, ` +
        `if they are); of features a class says little, and ${similar}`
      );
    case 'coordinates':
      return (
        `the output "${output}" looks like coordinates, not like class scores: each of its values is explained by itself, ` +
        'and the largest is no best one'
      );
    case 'classes':
      return undefined;
  }
}

interface Source {
  readonly graph: Graph;
  readonly facts: FactTable;
  readonly input: ImageInput | undefined;
}

function ofOutput(source: Source, output: string): Logits {
  const { graph, facts } = source;
  const behind = scoresBehind(graph, facts, output);
  if (behind) return beforeChoice(source, output, behind);
  let tensor = output;
  for (let node = graph.producer(tensor); node; node = graph.producer(tensor)) {
    const before = RESHAPING.has(node.op)
      ? node.inputs[0]
      : (beforeQuantization(graph, tensor) ?? beforeScaling(graph, facts, tensor));
    const known = facts.get(before ?? '');
    if (!known || !isFloat(known) || !keepsClasses(known, facts.get(tensor)!)) break;
    tensor = before!;
  }
  const found = activationOf(graph, facts, tensor);
  if (found && (found.axis !== 0 || facts.get(found.input)!.dims.length === 1)) {
    // Of the best few: what they were chosen from.
    const chosen = scoresBehind(graph, facts, found.input);
    if (chosen) return { ...beforeChoice(source, output, chosen), kind: found.kind };
    const reason = `input of the final ${found.operator}`;
    return describe(source, { output, tensor: found.input, axis: found.axis, kind: found.kind, reason });
  }
  const { dims } = facts.get(output)!;
  const kind = plainKind(graph, tensor, dims);
  const plain = { output, tensor: output, kind, reason: `output "${output}", no final Softmax or Sigmoid` };
  const described = describe(source, plain);
  if (kind !== 'logits' || described.spatial || !areProbabilities(graph, facts, output)) return described;
  return { ...described, kind: 'confidence', reason: `output "${output}", made of probabilities` };
}

/** The scores that an ArgMax or TopK at the end chooses from. */
function beforeChoice(source: Source, output: string, { operator, scores, axis }: ScoresBehind): Logits {
  const { graph, facts } = source;
  const found = activationOf(graph, facts, scores);
  if (found && (found.axis ?? axis) === axis) {
    const reason = `input of the final ${found.operator}`;
    return describe(source, { output, tensor: found.input, axis, kind: found.kind, reason });
  }
  return describe(source, { output, tensor: scores, axis, kind: 'logits', reason: `input of the final ${operator}` });
}

interface Described {
  readonly output: string;
  readonly tensor: string;
  readonly axis?: number | undefined;
  readonly kind: HeadKind;
  readonly reason: string;
}

function describe(source: Source, { output, tensor, axis, kind, reason }: Described): Logits {
  const { dims, rowsPerImage } = source.facts.get(tensor)!;
  const isPosition = positionsOf(source, tensor);
  const images = rowsPerImage === undefined ? imagesOf(dims, source.input, isPosition) : 'other';
  const base = { output, tensor, dims, kind, reason };
  if (dims.length === 0 || (dims.length === 1 && images === 'counted'))
    return { ...base, classes: 1, classAxis: 1, spatial: false, kind: kind === 'logits' ? 'regression' : kind };
  const long = dims.flatMap((dim, index) => (index > 0 && dim !== 1 ? [index] : []));
  if (images === 'counted' && long.length > 0 && long.every(isPosition)) {
    // One value for each position: the classes have no axis, or one of length 1.
    const single = dims.findIndex((dim, index) => index > 0 && dim === 1);
    return { ...base, classes: 1, classAxis: single < 0 ? dims.length : single, spatial: true };
  }
  const classAxis =
    images === 'none' ? dims.findIndex(dim => dim !== 1) : (axis ?? classAxisOf(source, tensor, dims, isPosition));
  const classes = dims[classAxis] ?? 1;
  // What looks like one value for each of several images are the classes of the only one.
  if (images === 'none' && kind === 'regression')
    return { ...base, classes, classAxis, spatial: false, kind: 'logits' };
  if (images === 'other') return { ...base, classes, classAxis, spatial: true, unbatched: true };
  const spatial = dims.some((dim, i) => i > 0 && i !== classAxis && dim !== 1);
  return { ...base, classes, classAxis, spatial };
}

/**
 * What the first axis counts: the images; nothing, where the only image of a fixed batch has no axis of its own and one
 * axis holds the classes ([K], [K,1]); or something else, as the steps of [T,N,K].
 */
function imagesOf(
  dims: readonly number[],
  input: ImageInput | undefined,
  isPosition: (axis: number) => boolean,
): 'counted' | 'none' | 'other' {
  const [first] = dims;
  if (!input || first === -1 || first === input.batch) return 'counted';
  return input.batch === 1 && dims.slice(1).every(dim => dim === 1) && !isPosition(0) ? 'none' : 'other';
}

/** Tells the axes that hold nothing but positions of the picture. */
function positionsOf({ graph, facts, input }: Source, tensor: string): (axis: number) => boolean {
  let axes: Axes | undefined | null = null;
  return axis => {
    if (axes === null) axes = input && traceAxes(graph, facts, input).get(tensor);
    return isAllSpatial(axes?.[axis] ?? []);
  };
}

function isFloat({ type }: TensorFacts): boolean {
  return type === 'float32' || type === 'float16' || type === 'float64' || type === 'bfloat16';
}

/** Between a Transpose to channels last and the output: they leave the axes where they are. */
const KEEPS_AXES = new Set(['Identity', 'Dropout', 'Cast', 'Resize', 'Upsample', 'Add', 'Sub', 'Mul', 'Div', 'Relu']);

/**
 * The only axis longer than 1. Of several in rank 3 the one that holds no positions of the picture, else the last; of
 * images the last one where a Transpose put the channels there ([N,h,w,K]), else the second ([N,K,h,w]).
 */
function classAxisOf(
  { graph }: Source,
  tensor: string,
  dims: readonly number[],
  isPosition: (axis: number) => boolean,
): number {
  const long = dims.flatMap((dim, axis) => (axis > 0 && dim !== 1 ? [axis] : []));
  if (long.length === 1) return long[0]!;
  if (dims.length === 3 && long.length === 2) {
    const other = long.filter(axis => !isPosition(axis));
    if (other.length === 1) return other[0]!;
  }
  if (dims.length <= 3) return dims.length - 1;
  let node = graph.producer(tensor);
  while (node?.domain === '' && KEEPS_AXES.has(node.op))
    node = graph.producer(node.inputs.find(name => graph.producer(name)) ?? '');
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
  if (isUnitVector(graph, tensor)) return 'embedding';
  const single = elementCount(dims.slice(1).map(Math.abs)) === 1 && dims.length !== 1;
  return node?.op === 'Tanh' || single ? 'regression' : 'logits';
}
