import type { Tensor } from '../engine/tensor.ts';
import { OnnxCamError, throwIfAborted } from '../errors.ts';
import type { Explanation, Runs } from '../explanation.ts';
import { type FeatureMaps, type LayerTensors, type MethodDefinition, needsOf } from '../methods/definition.ts';
import { type CamHead, findCamHead } from '../model/cam-head.ts';
import type { Model } from '../model/load-model.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import { assemble, type Setting, settingFor } from './assemble.ts';
import { checkDetections, similarityScores } from './detection-similarity.ts';
import { reportDetection } from './detections.ts';
import { inputSize } from './images.ts';
import type { TargetLayer } from './layer-choice.ts';
import type { MaskOptimizers } from './mask-optimizers.ts';
import { type MethodMaps, methodMaps } from './method-maps.ts';
import { runForMethod } from './method-runs.ts';
import type { Network, NetworkResult } from './network.ts';
import { REGION_INPUT, readoutFeeds, readoutForm, type ScoreHead } from './readout-graph.ts';
import { remembered } from './remembered.ts';
import type { ExplainRequest, MethodRun } from './request.ts';
import { runNetwork } from './run-network.ts';
import type { ScorerRequest, Scorers } from './scorers.ts';
import type { Work } from './work.ts';

/** Results of one image: by method, by target, by layer set. */
export type ImageResults = Explanation[][][];

/**
 * Explains the images of one network run: forward (and backward) pass, the methods, the pictures' maps.
 * @param known warnings that every result gets
 * @throws `ERR_NO_GRADIENT`, `ERR_METHOD_UNSUPPORTED`, `ERR_RUNTIME`, `ERR_ABORTED`
 */
export async function explainRun(
  { network, scorers, optimizers, setting }: Stage,
  work: readonly Work[],
  request: ExplainRequest,
  known: readonly string[] = [],
): Promise<ImageResults[]> {
  for (const { definition } of request.methods) for (const { targets } of work) checkDetections(definition, targets);
  const outcome = await runNetwork(network, work, request);
  const { targets, extraRuns } = outcome;
  const many = targets.length > work.length;
  const own = settingFor(setting, network, targets[0]!);
  const explainMethod = async (method: MethodRun): Promise<Explanation[][][]> => {
    throwIfAborted(request.signal);
    const sets: (readonly Computed[])[] = [];
    const { run, noisy, passes } = await runForMethod(network, work, outcome, method, request);
    for (const layers of method.layerSets) {
      const input: SetInput = { network, run, noisy, work, method, layers, targets, request };
      const perImage = method.needs.scores || method.needs.optimizer;
      sets.push(perImage ? await computeEach({ scorers, optimizers }, input) : await computeTogether(input));
    }
    const perImage = work.map(({ image, targets: wanted }, i) => {
      const perTarget = wanted.map((_, t) =>
        Promise.all(
          sets.map((computed, set) => {
            const { maps, first, milliseconds, runs, warnings = [] } = computed[i]!;
            const layers = method.layerSets[set]!;
            const target = targets[many ? t : i]!;
            const report = reportDetection(target, outcome.run, i, image.placement);
            const found = report?.warnings ?? emptyRegions(target, run.rows[i]!);
            return assemble(own, {
              image,
              method,
              layers,
              maps,
              index: Math.min(first + t, maps.verdicts.length - 1),
              row: run.rows[i]!,
              target,
              detection: report?.detection,
              milliseconds: { model: run.milliseconds / work.length, method: milliseconds },
              runs: { ...runs, network: runs.network + 1 + extraRuns + passes },
              shapes: layers.map(layer => shapeOf(run.activations.get(layer.name)!)),
              precision: run.precision,
              warnings: [...known, ...method.warnings, ...run.warnings, ...warnings, ...found],
            });
          }),
        ),
      );
      return Promise.all(perTarget);
    });
    return Promise.all(perImage);
  };
  const byMethod = await inTurnOrTogether(request.methods, explainMethod);
  // Maps of further passes (guided gradients) may be views on the run's tensors, all other results are copies.
  if (Object.values(request.passes).every(layers => layers === undefined)) outcome.run.release();
  return work.map((_, i) => byMethod.map(perImage => perImage[i]!));
}

/**
 * Methods that only read the run's tensors, side by side, so that the kernels that go to threads of their own cost the
 * others nothing; then those that run the network again, each with all threads to itself.
 */
async function inTurnOrTogether<T>(
  methods: readonly MethodRun[],
  explain: (method: MethodRun) => Promise<T>,
): Promise<T[]> {
  const runsAgain = ({ definition, needs }: MethodRun): boolean =>
    needs.scores !== undefined ||
    needs.optimizer !== undefined ||
    needs.noise !== undefined ||
    definition.ownScore !== undefined;
  const together = methods.map(method => (runsAgain(method) ? undefined : explain(method)));
  const results: T[] = [];
  await Promise.all(together);
  for (const [m, method] of methods.entries()) results.push((await together[m]) ?? (await explain(method)));
  return results;
}

/** What explaining needs of the explainer. */
export interface Stage {
  readonly network: Network;
  readonly scorers: Scorers;
  readonly optimizers: MaskOptimizers;
  readonly setting: Setting;
}

interface SetInput {
  readonly network: Network;
  readonly run: NetworkResult;
  readonly noisy?: readonly NetworkResult[];
  readonly work: readonly Work[];
  readonly method: MethodRun;
  readonly layers: readonly TargetLayer[];
  readonly targets: readonly ResolvedTarget[];
  readonly request: ExplainRequest;
}

/** A method's maps for one image. */
interface Computed {
  readonly maps: MethodMaps;
  /** Which of the maps is that of the image's first target. */
  readonly first: number;
  readonly milliseconds: number;
  readonly runs: Runs;
  readonly warnings?: readonly string[];
}

/** All images of the run at once. */
async function computeTogether({
  network,
  run,
  noisy,
  work,
  method,
  layers,
  targets,
  request,
}: SetInput): Promise<Computed[]> {
  const start = performance.now();
  const tensors = layers.map((layer): LayerTensors => {
    const copies = noisy?.map(copy => layerTensors(network, copy, layer, method, targets));
    return { ...layerTensors(network, run, layer, method, targets), noisy: copies };
  });
  const maps = await methodMaps(method, tensors, inputSize(work[0]!.image), { seed: request.seed });
  const milliseconds = (performance.now() - start) / work.length;
  const many = targets.length > work.length;
  return work.map((_, i) => ({ maps, first: many ? 0 : i, milliseconds, runs: { network: 0, tail: 0, saved: 0 } }));
}

/** One image after the other, each with runs of its own. */
async function computeEach(
  { scorers, optimizers }: Pick<Stage, 'scorers' | 'optimizers'>,
  { network, run, work, method, layers, targets, request }: SetInput,
): Promise<Computed[]> {
  const many = targets.length > work.length;
  const size = network.sizeOf(work[0]!.image.tensor);
  const facts = await network.factsFor(size);
  const results: Computed[] = [];
  for (const [i, { image }] of work.entries()) {
    const start = performance.now();
    const wanted = many ? targets : [targets[i]!];
    const similar = method.needs.scores?.includes('detections') && similarityScores(network, run, i, wanted);
    const own = similar ? similar.targets : wanted;
    const head = similar ? similar.head : network.head(own[0]!);
    const tensors = layers.map(layer => imageTensors(run, layer, i, many));
    const [, entry] = method.needs.scores?.includes('block') ? layers : [];
    const requests = (entry ? layers.slice(0, 1) : layers).map(
      (layer, l): ScorerRequest => ({
        image,
        row: similar ? similar.row : run.rows[i]!,
        targets: own,
        layer,
        entry,
        activations: entry
          ? joined(
              tensors.map(one => one.activations),
              1,
            )
          : tensors[l]!.activations,
        linearTail:
          layer.affine && method.params.keepPrefix !== false && isAffineReadout(head, network) && own.every(isLogit)
            ? tensors[l]!.gradients
            : undefined,
        prefix: prefixOf(run, entry ? layers : [layer], i, method),
        head,
        feeds: run.region && !similar ? { [REGION_INPUT]: nthRegion(run.region, i) } : readoutFeeds(head, facts),
        facts,
        size,
        batchSize: request.batchSize,
        signal: request.signal,
        onProgress: request.progress?.part(),
      }),
    );
    const context = method.needs.optimizer
      ? { optimizers: requests.map(one => optimizers.optimizer(one)) }
      : { scorers: requests.map(one => scorers.scorer(one)) };
    const maps = await methodMaps(method, tensors, inputSize(image), { seed: request.seed, ...context });
    const made = context.optimizers ?? context.scorers;
    const runs = made.map(one => one.runs);
    const total = (key: keyof Runs) => runs.reduce((sum, counts) => sum + counts[key], 0);
    results.push({
      maps,
      first: 0,
      milliseconds: performance.now() - start,
      runs: { network: total('network'), tail: total('tail'), saved: total('saved') },
      warnings: [...new Set((context.scorers ?? []).flatMap(({ warnings }) => warnings))],
    });
  }
  return results;
}

/** Tensors of one image, joined along an axis. */
function joined(parts: readonly FeatureMaps[], axis: number): FeatureMaps {
  const [first] = parts as [FeatureMaps];
  if (parts.length === 1) return first;
  const rows = first.dims.slice(0, axis).reduce((product, size) => product * size, 1);
  const sizes = parts.map(({ data }) => data.length / rows);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const data = new Float32Array(rows * total);
  let offset = 0;
  parts.forEach((part, n) => {
    const size = sizes[n]!;
    for (let row = 0; row < rows; row++)
      data.set(part.data.subarray(row * size, (row + 1) * size), row * total + offset);
    offset += size;
  });
  const length = parts.reduce((sum, { dims }) => sum + dims[axis]!, 0);
  return { data, dims: first.dims.with(axis, length) };
}

/** An image's class and register tokens, or zeros in their place if the method is told not to keep them. */
function prefixOf(
  run: NetworkResult,
  layers: readonly TargetLayer[],
  i: number,
  { params }: MethodRun,
): Tensor<'float32'> | undefined {
  const all = layers.flatMap(({ name }) => run.passes.prefix.get(name) ?? []);
  if (all.length < layers.length) return undefined;
  const own = all.map(one => nthImage(one, i));
  const { data, dims } = joined(own, 2);
  return { type: 'float32', data: params.keepPrefix === false ? new Float32Array(data.length) : data, dims };
}

const isLogit = ({ terms }: ResolvedTarget): boolean => terms.every(({ view }) => view === 'logit');

/** One image's share of a run: of the gradients its own, or with several targets all. */
function imageTensors(run: NetworkResult, layer: TargetLayer, i: number, many: boolean): LayerTensors {
  const activations = run.activations.get(layer.name)!;
  const gradients = run.gradients.get(layer.name);
  return { activations: nthImage(activations, i), gradients: many || !gradients ? gradients : nthImage(gradients, i) };
}

/** Whether scores are affine where the model's logits are. */
function isAffineReadout({ tensor, readout }: ScoreHead, { model }: Network): boolean {
  return tensor === model.logits.tensor && (!readout || readout.kind === 'region');
}

/** An image's own region, or the one given for all. */
function nthRegion({ data, dims }: Tensor<'bool'>, n: number): Tensor<'bool'> {
  const size = data.length / dims[0]!;
  const own = Math.min(n, dims[0]! - 1);
  return { type: 'bool', data: data.subarray(own * size, (own + 1) * size), dims: [1, ...dims.slice(1)] };
}

/** A sum over no position is exactly zero. */
function emptyRegions({ readout, terms }: ResolvedTarget, row: ScoreRow): string[] {
  if (readout?.kind !== 'region' || readout.region !== 'predicted') return [];
  const empty = terms.map(({ index }) => index).filter(index => row.logits[index] === 0);
  return empty.map(index => `class ${index} is predicted nowhere, so that its region is empty; give another region`);
}

/** [C, h, w], of volumes [C, D, h, w]. */
function shapeOf({ dims: [, channels, rows, width], depth }: FeatureMaps): number[] {
  return depth === undefined ? [channels!, rows!, width!] : [channels!, depth, rows! / depth, width!];
}

function nthImage({ data, dims, depth }: FeatureMaps, n: number): FeatureMaps {
  const size = data.length / dims[0]!;
  return { data: data.subarray(n * size, (n + 1) * size), dims: [1, ...dims.slice(1)], depth };
}

function layerTensors(
  network: Network,
  run: NetworkResult,
  layer: TargetLayer,
  method: MethodRun,
  targets: readonly ResolvedTarget[],
): LayerTensors {
  const needs = needsOf(method.definition, method.params);
  return {
    activations: run.activations.get(layer.name)!,
    tokens: layer.tokens,
    reader: layer.reader,
    bias: layer.bias,
    gradients: needs.gradients && (needs.gradients === 'block' ? run.passes.block : run.gradients).get(layer.name),
    guided: needs.guided && [...run.passes.guided.values()][0],
    attributions: needs.attributions && run.passes[needs.attributions].get(layer.name),
    curvature: needs.gradients === 'second' ? run.passes.curvature.get(layer.name) : undefined,
    classifier: needs.classifier && classifierRows(network, run, layer, method, targets, needs.classifier),
  };
}

/** Σ weight · row of the classifier for each target, [targets · channels]; an optional one may be missing. */
function classifierRows(
  network: Network,
  run: NetworkResult,
  layer: TargetLayer,
  { definition }: MethodRun,
  targets: readonly ResolvedTarget[],
  need: true | 'optional',
): Float32Array | undefined {
  if (need === 'optional' && !(anyCamHead(network, layer, targets) && targets.every(isLogit))) return undefined;
  const head = camHeadOf(network, layer, definition, targets);
  const rows = new Float32Array(targets.length * head.channels);
  targets.forEach(({ terms }, t) => {
    for (const { index, weight } of terms) {
      const scoreRow = run.rows[Math.min(t, run.rows.length - 1)]!;
      const row = head.row(scoreRow.classOf(index));
      for (let k = 0; k < row.length; k++) rows[t * head.channels + k]! += weight * row[k]!;
    }
  });
  return rows;
}

const camHeads = remembered<Model, CamHead | undefined>();

/**
 * The linear classifier behind global average pooling whose rows are CAM's weights.
 * @throws `ERR_METHOD_UNSUPPORTED` where the network or a target has none.
 */
export function camHeadOf(
  network: Network,
  layer: TargetLayer,
  definition: MethodDefinition,
  targets: readonly ResolvedTarget[],
): CamHead {
  const head = anyCamHead(network, layer, targets);
  if (!head)
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `${definition.name} needs a network that ends in global average pooling and one linear layer behind "${layer.name}"; ` +
        'Grad-CAM gives the same map for such networks and works for others',
    );
  const view = targets.flatMap(({ terms }) => terms).find(term => term.view !== 'logit')?.view;
  if (view) throw new OnnxCamError('ERR_METHOD_UNSUPPORTED', `${definition.name} explains logits, not the ${view}`);
  return head;
}

function anyCamHead(network: Network, layer: TargetLayer, targets: readonly ResolvedTarget[]): CamHead | undefined {
  const { graph, facts } = network.model;
  const logits = network.head(targets[0]!);
  return camHeads(network.model, `${layer.name}\n${logits.output}\n${readoutForm(logits.readout)}`, () =>
    findCamHead(graph, facts, layer, logits),
  );
}
