import type { Value } from '../autodiff/value.ts';
import { OnnxCamError } from '../common/errors.ts';
import { named } from '../common/named.ts';
import { pushAll } from '../common/sizes.ts';
import { neededNodes } from '../model/graph/data-flow.ts';
import { CLASS_INPUT, MAP_OUTPUT } from '../model/graph/exported.ts';
import type { FactTable } from '../model/graph/facts.ts';
import { type Graph, makeNode } from '../model/graph/graph.ts';
import { LOWERED, tensorNames } from '../model/graph/tensor-names.ts';
import { makeTensorProto } from '../model/graph/tensor-values.ts';
import { describeValue, makeValueInfo } from '../model/graph/value-info.ts';
import type { Model } from '../model/load-model.ts';
import { sharesBatch } from '../model/probe/probing-feeds.ts';
import { readoutFeeds } from '../plan/readout.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import type { WrittenTarget } from './written-seeds.ts';

/** @throws `ERR_MODEL_UNSUPPORTED` for a model that does not say of which version its standard operators are */
export function refuseUnversioned({ opsets }: Pick<Graph, 'opsets'>): void {
  if (opsets.has('')) return;
  throw new OnnxCamError(
    'ERR_MODEL_UNSUPPORTED',
    `the file names no version of the standard operators, which export writes (it names ${[...opsets.keys()].join(', ')}); add it ` +
      "to the model's opset_import",
  );
}

/** What begins the names of tensors that this library adds by rules of its own. */
const RESERVED = 'onnx_cam/';

/**
 * @param original as it was read, where nothing has been added but lowered operators
 * @throws `ERR_MODEL_UNSUPPORTED` for a model with tensors of the names that are to be added
 */
export function refuseTaken(graph: Graph, original: Graph, { fed }: Pick<WrittenTarget, 'fed'>): void {
  const names = tensorNames(graph);
  const taken =
    [MAP_OUTPUT, ...(fed ? [CLASS_INPUT] : [])].find(name => names.has(name)) ??
    [...tensorNames(original)].find(name => name.startsWith(RESERVED) && !name.startsWith(LOWERED));
  if (taken !== undefined)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the model has a tensor named "${taken}" already, which is ${taken.startsWith(RESERVED) ? 'like the names' : 'the name'} of ` +
        'what export adds; rename it',
    );
}

/**
 * The image input as the file declares it, but for what the graph is written for: one size of picture, unless that is open, and a
 * fixed number of images also where the file leaves theirs open but mixes them. (A number that the file fixes stays, though
 * the library opens it for itself.)
 * @returns the number of images: a size, a name, or '' for an open one without
 */
export function declareSizes(
  graph: Graph,
  { input, original }: Model,
  [batch, ...sizes]: readonly number[],
  open: boolean,
): number | string {
  const place = graph.inputs.findIndex(({ name }) => name === input.name);
  const { type, dims: declared } = describeValue(graph.inputs[place]!);
  const { dims: own } = describeValue(original.inputs.find(({ name }) => name === input.name)!);
  const count = batch !== -1 ? batch! : (own?.[0] ?? '');
  if (type !== undefined && type !== 'string')
    graph.inputs[place] = makeValueInfo(input.name, type, [count, ...(open && declared ? declared.slice(1) : sizes)]);
  return count;
}

/**
 * Other inputs are of the sizes that were given when the model was loaded, for which the graph is written: lengths of texts, how
 * many of them there are. The number of images stays open.
 */
export function declareOthers(graph: Graph, { input, fixedInputs }: Model): void {
  graph.inputs.forEach((value, place) => {
    const { name, type, dims } = describeValue(value);
    const given = name === input.name ? undefined : named(fixedInputs, name);
    if (!given || !dims || type === undefined || type === 'string') return;
    const perImage = sharesBatch(graph, name, input.name);
    const sizes = dims.map((dim, axis) => (axis === 0 && perImage ? dim : given.dims[axis]!));
    graph.inputs[place] = makeValueInfo(name, type, sizes);
  });
}

/** What is fed to a head's readout (unit vectors, regions, boxes) is the same for every image: it becomes constants. */
export function holdFeeds(graph: Graph, head: ScoreHead, facts: FactTable): void {
  const feeds = readoutFeeds(head, facts);
  const open = graph.inputs.filter(({ name }) => {
    const tensor = named(feeds, name);
    if (tensor) graph.initializers.set(name, makeTensorProto(name, tensor.type, tensor.dims, tensor.data));
    return !tensor;
  });
  graph.inputs.length = 0;
  pushAll(graph.inputs, open);
}

/** How the map is given. */
interface MapOutput {
  /** [N, 1, …positions] */
  readonly map: Value;
  /** The number of images: a size, or the name of an open one. */
  readonly batch: number | string;
  /** Positions are as many as the input has. */
  readonly openSizes: boolean;
  readonly docString: string;
}

/** The model's own outputs and then the map; nodes that none of them needs go. */
export function setOutputs(
  graph: Graph,
  own: Graph['outputs'],
  { map: { name, type, dims }, batch, openSizes, docString }: MapOutput,
): void {
  graph.append(makeNode('Identity', [name], [MAP_OUTPUT]));
  const sizes = dims.slice(2).map(size => (openSizes ? '' : size));
  graph.outputs.length = 0;
  pushAll(graph.outputs, own);
  graph.outputs.push({ ...makeValueInfo(MAP_OUTPUT, type, [batch, 1, ...sizes]), docString });
  const names = graph.outputs.map(output => output.name);
  graph.replaceNodes(neededNodes(graph, names));
}
