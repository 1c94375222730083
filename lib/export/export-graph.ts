import { Emitter } from '../autodiff/emitter.ts';
import { reduceSum } from '../autodiff/forms.ts';
import type { Value } from '../autodiff/value.ts';
import { OnnxCamError } from '../common/errors.ts';
import type { Steps } from '../common/slices.ts';
import type { LayerInGraph, ResultInGraph } from '../methods/definition.ts';
import { principalComponentInGraph } from '../methods/support/principal-in-graph.ts';
import type { FactTable, TensorFacts } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import type { Model } from '../model/load-model.ts';
import { refuseDetections } from '../plan/no-gradient.ts';
import { PlanWriter } from '../plan/plan-writer.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import type { MethodRun } from '../request/request.ts';
import type { ExportableMethod } from './exportable.ts';
import { asUint8, finishedMap } from './finish-map.ts';
import {
  declareOthers,
  declareSizes,
  holdFeeds,
  refuseTaken,
  refuseUnversioned,
  setOutputs,
} from './graph-interface.ts';
import { appendBackward, type LayersSource, layersInGraph } from './layers-in-graph.ts';
import { withOwnInput } from './own-input.ts';
import type { MapEnd } from './resize-map.ts';
import { separateSquareWeights } from './square-weights.ts';
import { WrittenSeeds, type WrittenTarget } from './written-seeds.ts';

/** What an exported graph is made of. */
export interface GraphSource extends Pick<LayersSource, 'camHead'> {
  readonly model: Model;
  readonly head: ScoreHead;
  readonly method: MethodRun;
  readonly definition: ExportableMethod;
  readonly written: WrittenTarget;
  /** As the file declares them. */
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
  const { head, method, written } = source;
  const model = { ...source.model, facts };
  if (method.needs.gradients) refuseDetections(head);
  const graph = model.graph.clone();
  const known = new Map(facts);
  refuseUnversioned(graph);
  refuseTaken(graph, model.original, written);
  const { dims } = facts.get(model.input.name)!;
  declareOthers(graph, model);
  const batch = declareSizes(graph, model, dims, open);
  if (source.takePictures) source.takePictures(graph, known);
  else withOwnInput(graph, known, model);
  const seeds = new WrittenSeeds(head, written, batch);
  const input = model.input.name;
  const writer = new PlanWriter({ graph, facts: known, input, head, seeding: seeds, manyScores: false, blocks: false });
  const layers: LayersSource = { ...source, model, writer, seeds, needs: method.needs, layers: method.layerSets[0]! };
  const gradients = yield* appendBackward(layers);
  const emit = new Emitter(graph, known, 'onnx_cam');
  // Also where the method reads no class: whoever feeds one need not know.
  if (written.fed) seeds.classOf(emit, writer, -1);
  const raw = rawMaps(emit, source, layersInGraph(emit, layers, gradients));
  const end = source.atInput ? inputEnd(model, dims, known, open) : undefined;
  const map = finishedMap(emit, raw, { ...method, end });
  holdFeeds(graph, head, facts);
  setOutputs(graph, source.outputs, {
    map: source.uint8 ? asUint8(emit, map) : map,
    batch,
    openSizes: open && source.atInput,
    docString: source.docString,
  });
  separateSquareWeights(graph, new Set(source.model.graph.nodes.flatMap(({ outputs }) => outputs)));
  return graph;
}

/** A method's own map [N, 1, …positions] of each layer, or one of those that it joins itself. */
function rawMaps(
  emit: Emitter,
  { method, definition }: Pick<GraphSource, 'method' | 'definition'>,
  layers: readonly LayerInGraph[],
): Value[] {
  const { params } = method;
  if (definition.scope === 'layers') return [withoutSum(method, definition.inGraph(emit, layers, params))];
  return layers.map(layer => rawMap(emit, method, layer, definition.inGraph(emit, layer, params)));
}

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
