import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { inSteps } from '../common/slices.ts';
import { camHeadOf } from '../explain/classifier-rows.ts';
import type { ExplainCalls } from '../explain/explain-call.ts';
import type { Stage } from '../explain/stage.ts';
import type { Stages } from '../explain/stages.ts';
import { writeModel } from '../model/file/write-model.ts';
import { exportedBy } from '../model/graph/exported.ts';
import type { Graph } from '../model/graph/graph.ts';
import { ofOneSize, openGraph, widen } from '../model/graph/open-sizes.ts';
import type { Network } from '../network/network.ts';
import type { Preprocessing } from '../network/preprocessing.ts';
import type { MethodRun } from '../request/request.ts';
import { resolveFor } from '../request/targets.ts';
import { parseTarget } from '../targets/parse.ts';
import { outputOf, scoringGraphOf } from '../targets/resolve.ts';
import type { Target } from '../targets/target.ts';
import { describeExport, docString } from './describe-export.ts';
import { exportGraph, type GraphSource } from './export-graph.ts';
import type { ExportOptions } from './export-options.ts';
import { exportable } from './exportable.ts';
import { takePictures } from './take-pictures.ts';
import type { WrittenTarget } from './written-seeds.ts';

/** What an export needs of its explainer. */
export interface ExportParts {
  readonly stages: Stages;
  readonly calls: Pick<ExplainCalls, 'withEmbedding'>;
  /** How pictures become the model's input. */
  readonly preprocessing: () => Preprocessing;
}

/** Writes the model with the explanation inside; see `Explainer.export`. */
export async function exportModel(
  { stages, calls, preprocessing }: ExportParts,
  options: ExportOptions,
): Promise<Uint8Array> {
  const { signal, method: name, params, layer } = options;
  const { original } = stages.base.network.model;
  refuseExported(original);
  const asked = parseTarget(options.target === 'input' ? 'top1' : (options.target ?? 'top1'));
  const stage = await stages.of({ head: scoringGraphOf(asked), output: outputOf(asked), signal });
  const { network, requests } = stage;
  const [method] = requests.make({ method: name, params, layer }).methods as [MethodRun];
  const definition = exportable(method.definition);
  const target = await calls.withEmbedding(stages.base, asked, signal);
  const written = writtenTarget(stage, target, options.target === 'input');
  const described = { network, method, options };
  const source: GraphSource = {
    model: network.model,
    head: network.head(written.target),
    method,
    definition,
    written,
    camHead: one => camHeadOf(network, one, definition, [written.target]),
    outputs: original.outputs,
    atInput: options.map === 'input',
    uint8: options.uint8 === true,
    takePictures: options.preprocess
      ? (graph, facts) => takePictures(graph, facts, network.model, preprocessing().resolved)
      : undefined,
    docString: docString(described),
  };
  const { graph, size } = await atSizes(network, source, signal);
  throwIfAborted(signal);
  describeExport(described, graph, size);
  return writeModel(graph, original.about);
}

/** @throws `ERR_MODEL_UNSUPPORTED` for a model that gives a map already */
function refuseExported(original: Graph): void {
  const version = exportedBy(original);
  if (version === undefined) return;
  throw new OnnxCamError(
    'ERR_MODEL_UNSUPPORTED',
    `the model holds an explanation already, written by onnx-cam ${version}; export the model that it was made of`,
  );
}

function writtenTarget({ network, setting }: Stage, target: Target, fed: boolean): WrittenTarget {
  const [one, ...more] = resolveFor(network, target, setting.labels);
  if (more.length > 0)
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `the target stands for ${more.length + 1} scores, and an exported model gives one map; give one class, or 'input'`,
    );
  return { target: one!, fed };
}

/** The graph for any size of picture, where it is the same for two; else for the one that the model was loaded with. */
async function atSizes(network: Network, source: GraphSource, signal: AbortSignal | undefined) {
  const { input, facts } = network.model;
  const { dims } = facts.get(input.name)!;
  const build = async (size: string, open: boolean) =>
    inSteps(exportGraph(source, await network.factsFor(size, signal), open), signal);
  const size = network.sizeOf({ dims });
  const isOpen = input.height === undefined || input.width === undefined;
  if (isOpen && !source.takePictures && !input.axes) {
    const any = await ofAnySize(build, size, signal);
    if (any) return { graph: any, size: undefined };
  }
  return { graph: await build(size, false), size: isOpen && !source.takePictures ? size : undefined };
}

/** How much larger the second picture is, of which the graph has to be the same: sides that nets of five halvings take. */
const STEP = 32;

async function ofAnySize(
  build: (size: string, open: boolean) => Promise<Graph>,
  size: string,
  signal: AbortSignal | undefined,
): Promise<Graph | undefined> {
  const sides = size.split('x').map(Number);
  const larger = sides.map((side, axis) => (axis < sides.length - 2 ? side : side + STEP * (axis - sides.length + 3)));
  try {
    const both = widen(ofOneSize(await build(size, true)), await build(larger.join('x'), true));
    return both?.lifted.size === 0 ? openGraph(both) : undefined;
  } catch (error) {
    throwIfAborted(signal);
    if (error instanceof OnnxCamError) return undefined;
    throw error;
  }
}
