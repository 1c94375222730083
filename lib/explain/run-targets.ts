import { OnnxCamError } from '../common/errors.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import { concatenated } from '../kernels/map-values.ts';
import { stack } from '../network/images.ts';
import type { Network, NetworkResult } from '../network/network.ts';
import { seedFormOf } from '../network/seeds.ts';
import { hasBackwardPass, ofEachPass, PASS_KINDS, PASSES } from '../plan/passes/index.ts';
import type { NetworkPlan, SeedForm } from '../plan/plan.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import type { ExplainRequest, MethodRun } from '../request/request.ts';
import type { HeadChoice, ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import type { ChosenTechnique } from '../techniques/choose.ts';
import type { Work } from './group-runs.ts';

/** What a run gave, and what it was asked. */
export interface RunOutcome {
  readonly run: NetworkResult;
  /** One for each image, or several for the only image; ranks are replaced by classes where the graph could not do it. */
  readonly targets: readonly ResolvedTarget[];
  /** Passes besides the one that every image has. */
  readonly extraRuns: number;
}

type Images = Tensor<'float32'>;

/**
 * One forward (and backward) pass; ranks inside composite scores are looked up by a forward pass before it.
 * @throws `ERR_NO_GRADIENT`, `ERR_RUNTIME`, `ERR_ABORTED`
 */
export async function runNetwork(
  network: Network,
  work: readonly Work[],
  request: ExplainRequest,
): Promise<RunOutcome> {
  const { methods, layers, gradients, passes, techniques, signal } = request;
  const images = await imagesOf(network, work);
  let targets = work.length === 1 ? work[0]!.targets : work.flatMap(one => one.targets);
  const { output, readout } = targets[0]!;
  const seed = gradients.length > 0 || hasBackwardPass(passes) ? seedFormOf(targets) : undefined;
  let extraRuns = 0;
  if (seed?.kind === 'dense' && targets.some(({ terms }) => terms.some(({ index }) => index < 0))) {
    const plan = { output, readout, activations: [], gradients: [], manyScores: false };
    const { rows } = await network.run({ images, plan, layers: [], targets, signal });
    targets = work.flatMap((one, i) => one.targets.map(target => withoutRanks(target, rows[i]!)));
    extraRuns = 1;
  }
  const { run, passes: runs } = await runTargets(network, {
    images,
    count: work.length,
    plan: planFor(request, { output, readout }, seed, takesManyScores(network, work.length, targets.length)),
    layers,
    targets,
    keep: images.dims.length === 4 && methods.every(onlyReduces) && !techniques.some(readsTensors),
    signal,
  });
  return { run, targets, extraRuns: extraRuns + runs - 1 };
}

function planFor(
  request: ExplainRequest,
  { output, readout }: HeadChoice,
  seed: SeedForm | undefined,
  manyScores: boolean,
): NetworkPlan {
  const { methods, layers, gradients, passes } = request;
  const candidates = readout?.kind === 'detection';
  const fixed = methods.some(({ needs }) => needs.scores || needs.optimizer);
  const region = candidates || (readout?.kind === 'region' && fixed);
  const activations = layers.map(({ name }) => name);
  return { output, readout, activations, gradients, passes, seed, manyScores, region, candidates };
}

/** Whether a method's tensors may stay where the network ran. */
const onlyReduces = ({ definition, params }: MethodRun): boolean =>
  definition.reductions === true && params.eigenSmooth !== true;

const readsTensors = ({ definition }: ChosenTechnique): boolean => definition.needs?.tensors === true;

/** Stacked images and what is asked of them. */
export interface TargetsRun {
  /** Perhaps padded with copies. */
  readonly images: Images;
  /** How many of them are meant. */
  readonly count: number;
  readonly plan: NetworkPlan;
  readonly layers: readonly TargetLayer[];
  /** One for each of the images that are meant, or several for the only one. */
  readonly targets: readonly ResolvedTarget[];
  readonly keep?: boolean;
  readonly signal?: AbortSignal;
}

/** Whether the scores of so many targets come from one run on one image. */
export function takesManyScores({ model }: Network, images: number, targets: number): boolean {
  const { batch, layout } = model.input;
  // Frames stand in the batch, where the rows of several scores would stand.
  return targets > images && (batch ?? 1) === 1 && layout !== 'ntchw';
}

/** How rules, or the runtime, refuse several scores of one image; what is wrong for a single score as well is told then. */
const ONE_AT_A_TIME: ReadonlySet<string> = new Set(['ERR_NO_GRADIENT', 'ERR_RUNTIME']);

/**
 * Runs a plan for all targets at once; where the model's batch is fixed, for as many at once as fit into it. A model that takes its only
 * image for granted somewhere (an LSTM's output whose batch is squeezed away) has room for one score at a time.
 */
export async function runTargets(network: Network, asked: TargetsRun): Promise<{ run: NetworkResult; passes: number }> {
  const { images, count, plan, layers, targets, keep, signal } = asked;
  if (plan.manyScores)
    try {
      return { run: await network.run({ images, plan, layers, targets, keep, signal }), passes: 1 };
    } catch (error) {
      if (!(error instanceof OnnxCamError) || !ONE_AT_A_TIME.has(error.code)) throw error;
      return runTargets(network, { ...asked, plan: { ...plan, manyScores: false } });
    }
  if (images.dims[0] === targets.length)
    return { run: await network.run({ images, plan, layers, targets, keep, signal }), passes: 1 };

  // A fixed batch: the images are padded already, the targets are cut and padded to it.
  const size = images.dims[0]!;
  const parts: NetworkResult[] = [];
  for (let from = 0; from < (plan.seed ? targets.length : 1); from += size) {
    const own = targets.slice(from, from + size);
    const padding = new Array<ResolvedTarget>(size - own.length).fill(own[0]!);
    const run = await network.run({ images, plan, layers, targets: [...own, ...padding], signal });
    parts.push(trimmed(run, count, own.length));
  }
  return { run: await joined(parts), passes: parts.length };
}

/** The scores of one image, by a forward pass alone. */
export async function scoresOf(
  network: Network,
  image: Images,
  { output, readout }: HeadChoice,
  signal: AbortSignal | undefined,
): Promise<ScoreRow> {
  const plan = { output, readout, activations: [], gradients: [], manyScores: false };
  const images = await padded(image, network.model.input.batch);
  const { rows } = await network.run({ images, plan, layers: [], targets: [], signal });
  return rows[0]!;
}

/** The images of some work as one tensor, padded to the batch that the model takes. */
export async function imagesOf(network: Network, work: readonly Work[]): Promise<Images> {
  return padded(await stack(work.map(({ image }) => image.tensor)), network.model.input.batch);
}

/** Fills up the batch of a model whose batch size is fixed, with copies of the first image. */
async function padded(images: Images, batch: number | undefined): Promise<Images> {
  const [count, ...dims] = images.dims as [number, ...number[]];
  if (batch === undefined || batch === count) return images;
  const size = images.data.length / count;
  const parts = Array.from({ length: batch }, (_, n) => {
    const from = n < count ? n * size : 0;
    return images.data.subarray(from, from + size);
  });
  const data = await concatenated(parts);
  return { ...images, data, dims: [batch, ...dims] };
}

/** What belongs to the first `images` images and the first `targets` targets. */
function trimmed(run: NetworkResult, images: number, targets: number): NetworkResult {
  const cut = (maps: ReadonlyMap<string, FeatureMaps>, count: number) =>
    new Map(
      [...maps].map(([name, { data, dims, depth }]) => [
        name,
        { depth, data: data.subarray(0, (data.length / dims[0]!) * count), dims: [count, ...dims.slice(1)] },
      ]),
    );
  return {
    ...run,
    rows: run.rows.slice(0, images),
    activations: cut(run.activations, images),
    gradients: cut(run.gradients, targets),
    passes: ofEachPass(kind => cut(run.passes[kind], PASSES[kind].backward ? targets : images)),
  };
}

/** Runs on the same images for one target after another, as one. */
async function joined(parts: readonly NetworkResult[]): Promise<NetworkResult> {
  const [first] = parts as [NetworkResult];
  if (parts.length === 1) return first;
  const join = async (mapsOf: (part: NetworkResult) => ReadonlyMap<string, FeatureMaps>) => {
    const joint = new Map<string, FeatureMaps>();
    for (const name of mapsOf(first).keys()) joint.set(name, await stacked(parts.map(part => mapsOf(part).get(name)!)));
    return joint;
  };
  const milliseconds = parts.reduce((sum, part) => sum + part.milliseconds, 0);
  const passes = { ...first.passes };
  for (const kind of PASS_KINDS) if (PASSES[kind].backward) passes[kind] = await join(part => part.passes[kind]);
  return { ...first, gradients: await join(part => part.gradients), passes, milliseconds };
}

async function stacked(maps: readonly FeatureMaps[]): Promise<FeatureMaps> {
  const data = await concatenated(maps.map(part => part.data));
  return { data, dims: [maps.reduce((count, part) => count + part.dims[0]!, 0), ...maps[0]!.dims.slice(1)] };
}

export function withoutRanks(target: ResolvedTarget, row: ScoreRow): ResolvedTarget {
  return { ...target, terms: target.terms.map(term => ({ ...term, index: row.classOf(term.index) })) };
}
