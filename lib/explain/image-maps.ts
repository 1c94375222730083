import { type MethodMaps, methodMaps } from '../maps/method-maps.ts';
import { type MaybeLater, whenReady } from '../maybe-later.ts';
import type { LayerTensors } from '../methods/definition.ts';
import { inputSize } from '../network/images.ts';
import type { MaskOptimizers } from '../network/mask-optimizers.ts';
import type { Network, NetworkResult } from '../network/network.ts';
import type { ScorerRequest, Scorers } from '../network/scorers.ts';
import { REGION_INPUT, readoutFeeds } from '../plan/readout.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import type { ExplainRequest, MethodRun } from '../request/request.ts';
import type { Runs } from '../result/explanation.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import { isLogit } from './classifier-rows.ts';
import { similarityScores } from './detection-similarity.ts';
import type { Work } from './group-runs.ts';
import { imageTensors, joined, layerTensors, nthRegion, prefixOf } from './run-tensors.ts';

/** One run, and what a method makes of one set of its layers. */
export interface SetInput {
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
export interface Computed {
  readonly maps: MethodMaps;
  /** Which of the maps is that of the image's first target. */
  readonly first: number;
  readonly milliseconds: number;
  readonly runs: Runs;
  readonly warnings?: readonly string[];
}

/** All images of the run at once. */
export function computeTogether({
  network,
  run,
  noisy,
  work,
  method,
  layers,
  targets,
  request,
}: SetInput): MaybeLater<Computed[]> {
  const start = performance.now();
  const tensors = layers.map((layer): LayerTensors => {
    const own = layerTensors(network, run, layer, method, targets);
    return noisy ? { ...own, noisy: noisy.map(copy => layerTensors(network, copy, layer, method, targets)) } : own;
  });
  const { image } = work[0]!;
  const single = work.length === 1 && targets.length === 1 && image.depth === undefined;
  const context = { seed: request.seed, placement: single ? image.placement : undefined };
  return whenReady(methodMaps(method, tensors, inputSize(image), context), maps => {
    const milliseconds = (performance.now() - start) / work.length;
    const many = targets.length > work.length;
    return work.map((_, i) => ({ maps, first: many ? 0 : i, milliseconds, runs: NO_RUNS }));
  });
}

/** Of methods that only read what the network gave. */
const NO_RUNS: Runs = { network: 0, tail: 0, saved: 0 };

/** One image after the other, each with runs of its own. */
export async function computeEach(
  { scorers, optimizers }: { readonly scorers: Scorers; readonly optimizers: MaskOptimizers },
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

/** Whether scores are affine where the model's logits are. */
function isAffineReadout({ tensor, readout }: ScoreHead, { model }: Network): boolean {
  return tensor === model.logits.tensor && (!readout || readout.kind === 'region');
}
