import { Emitter } from '../autodiff/emitter.ts';
import { reduceSum } from '../autodiff/forms.ts';
import type { Value } from '../autodiff/value.ts';
import { OnnxCamError } from '../common/errors.ts';
import { named } from '../common/named.ts';
import { pushAll } from '../common/sizes.ts';
import type { Steps } from '../common/slices.ts';
import type { LayerInGraph, ResultInGraph } from '../methods/definition.ts';
import { principalComponentInGraph } from '../methods/support/principal-in-graph.ts';
import { neededNodes } from '../model/graph/data-flow.ts';
import type { FactTable, TensorFacts } from '../model/graph/facts.ts';
import { type Graph, makeNode } from '../model/graph/graph.ts';
import { makeTensorProto } from '../model/graph/tensor-values.ts';
import { batchName, describeValue, makeValueInfo } from '../model/graph/value-info.ts';
import type { Model } from '../model/load-model.ts';
import { refuseDetections } from '../plan/no-gradient.ts';
import { PlanWriter } from '../plan/plan-writer.ts';
import { readoutFeeds } from '../plan/readout.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import type { MethodRun } from '../request/request.ts';
import { CLASS_INPUT } from './class-index.ts';
import type { ExportableMethod } from './exportable.ts';
import { asUint8, finishedMap } from './finish-map.ts';
import { appendBackward, type LayersSource, layersInGraph } from './layers-in-graph.ts';
import { withOwnInput } from './own-input.ts';
import type { MapEnd } from './resize-map.ts';
import { WrittenSeeds, type WrittenTarget } from './written-seeds.ts';

/** Name of the output with the map. */
export const MAP_OUTPUT = 'saliency_map';

/** What an exported graph is made of. */
export interface GraphSource extends Pick<LayersSource, 'camHead'> {
  readonly model: Model;
  readonly head: ScoreHead;
  readonly method: MethodRun;
  readonly definition: ExportableMethod;
  readonly written: WrittenTarget;
  /** The file's own outputs, as the graph declares them. */
  readonly outputs: Graph['outputs'];
  /** The map is brought to the input's size. */
  readonly atInput: boolean;
  readonly uint8: boolean;
  /** Puts nodes before the image input that make it of pictures. */
  readonly takePictures?: (graph: Graph, facts: Map<string, TensorFacts>) => void;
  /** Of the map's output. */
  readonly docString: string;
}

/**
 * The model with its own outputs first, unchanged, and then the map.
 * @param facts at the size of pictures that the graph is written for
 * @param open sizes that the file leaves open stay so: nodes read them when the model runs
 * @throws `ERR_NO_GRADIENT`, `ERR_METHOD_UNSUPPORTED`, `ERR_MODEL_UNSUPPORTED`
 */
export function* exportGraph(source: GraphSource, facts: FactTable, open: boolean): Steps<Graph> {
  const { head, method, written, definition } = source;
  const model = { ...source.model, facts };
  const { needs, params, layerSets, fusion } = method;
  if (needs.gradients) refuseDetections(head);
  const graph = model.graph.clone();
  const known = new Map(facts);
  refuseTaken(graph, written);
  const { dims } = facts.get(model.input.name)!;
  if (source.takePictures) source.takePictures(graph, known);
  else {
    declareSizes(graph, model.input.name, dims, open);
    withOwnInput(graph, known, model);
  }
  const seeds = new WrittenSeeds(head, written);
  const input = model.input.name;
  const writer = new PlanWriter({ graph, facts: known, input, head, seeding: seeds, manyScores: false, blocks: false });
  const layers: LayersSource = { ...source, model, writer, seeds, needs, layers: layerSets[0]! };
  const gradients = yield* appendBackward(layers);
  const emit = new Emitter(graph, known, 'onnx_cam');
  // Also where the method reads no class: whoever feeds one need not know.
  if (written.fed) seeds.classOf(emit, writer, -1);
  const values = layersInGraph(emit, layers, gradients);
  const raw =
    definition.scope === 'layers'
      ? [withoutSum(method, definition.inGraph(emit, values, params))]
      : values.map(value => rawMap(emit, method, value, definition.inGraph(emit, value, params)));
  const end = source.atInput ? inputEnd(model, dims, known, open) : undefined;
  const map = finishedMap(emit, raw, { definition, params, fusion, end });
  const shown = source.uint8 ? asUint8(emit, map) : map;
  graph.append(makeNode('Identity', [shown.name], [MAP_OUTPUT]));
  holdFeeds(graph, head, facts);
  graph.outputs.length = 0;
  pushAll(graph.outputs, source.outputs);
  const batch = shown.dims[0] === -1 ? (batchOf(graph, input) ?? '') : shown.dims[0]!;
  const sizes = shown.dims.slice(2).map(size => (open && source.atInput ? '' : size));
  graph.outputs.push({ ...makeValueInfo(MAP_OUTPUT, shown.type, [batch, 1, ...sizes]), docString: source.docString });
  graph.replaceNodes(
    neededNodes(
      graph,
      graph.outputs.map(({ name }) => name),
    ),
  );
  return graph;
}

const batchOf = (graph: Graph, input: string) => batchName(graph.inputs.filter(({ name }) => name === input));

/** @throws `ERR_MODEL_UNSUPPORTED` for a model with tensors of the names that are to be added */
function refuseTaken(graph: Graph, { fed }: WrittenTarget): void {
  const taken = [MAP_OUTPUT, ...(fed ? [CLASS_INPUT] : [])].find(
    name => graph.has(name) || graph.outputs.some(output => output.name === name),
  );
  if (taken !== undefined)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the model has a tensor named "${taken}" already, which is the name of what export adds; rename it`,
    );
}

/**
 * The image input says what the graph is written for: one size of picture, unless that is open, and a fixed number of images
 * also where the file leaves theirs open but mixes them.
 */
function declareSizes(graph: Graph, input: string, [batch, ...sizes]: readonly number[], open: boolean): void {
  const place = graph.inputs.findIndex(({ name }) => name === input);
  const { type, dims: declared } = describeValue(graph.inputs[place]!);
  if (type === undefined || type === 'string') return;
  const count = batch === -1 ? (declared?.[0] ?? '') : batch!;
  graph.inputs[place] = makeValueInfo(input, type, [count, ...(open && declared ? declared.slice(1) : sizes)]);
}

/** [N, 1, …positions] of a method made of one layer. */
function rawMap(emit: Emitter, method: MethodRun, { activations }: LayerInGraph, result: ResultInGraph): Value {
  if ('map' in result) return withoutSum(method, result.map);
  return method.params.eigenSmooth === true
    ? principalComponentInGraph(emit, result.terms, { centre: true, strength: activations })
    : reduceSum(emit, result.terms, [1]);
}

/** @throws `ERR_OPTION_INVALID` where `eigenSmooth` has no sum over channels whose place it could take */
function withoutSum({ definition, params }: MethodRun, map: Value): Value {
  if (params.eigenSmooth !== true) return map;
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    `eigenSmooth takes the place of a sum over channels, which ${definition.name} has none of; leave it out`,
  );
}

/** Axes of the positions in an input of each layout. */
const POSITIONS = { nchw: [2, 3], nhwc: [1, 2], ncdhw: [2, 3, 4], ntchw: [1, 3, 4] } as const;

function inputEnd({ input }: Model, dims: readonly number[], facts: FactTable, open: boolean): MapEnd {
  const axes = POSITIONS[input.layout];
  const size = axes.map(axis => dims[axis]!);
  return open ? { size, of: { tensor: { name: input.name, ...facts.get(input.name)! }, axes } } : { size };
}

/** What is fed to a head's readout (unit vectors, regions, boxes) is the same for every image: it becomes constants. */
function holdFeeds(graph: Graph, head: ScoreHead, facts: FactTable): void {
  const feeds = readoutFeeds(head, facts);
  const open = graph.inputs.filter(({ name }) => {
    const tensor = named(feeds, name);
    if (tensor) graph.initializers.set(name, makeTensorProto(name, tensor.type, tensor.dims, tensor.data));
    return !tensor;
  });
  graph.inputs.length = 0;
  pushAll(graph.inputs, open);
}
