import type { Network, NetworkResult } from '../network/network.ts';
import type { PictureScorerRequest } from '../network/scorers.ts';
import { REGION_INPUT, readoutFeeds } from '../plan/readout.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import { similarityScores } from './detection-similarity.ts';
import type { Work } from './group-runs.ts';
import { nthRegion } from './layer-tensors.ts';

/** A run whose images' changed copies are to be scored. */
export interface ScoredRun {
  readonly network: Network;
  readonly run: NetworkResult;
  readonly work: readonly Work[];
  /** One for each image, or several for the only one. */
  readonly targets: readonly ResolvedTarget[];
}

/** What is scored of changed copies of image `i`: its targets, or how `similar` its detections stay to theirs. */
export async function scoresAsked(
  { network, run, work, targets }: ScoredRun,
  i: number,
  {
    similar = false,
    ...call
  }: Pick<PictureScorerRequest, 'batchSize' | 'signal' | 'onProgress'> & { readonly similar?: boolean },
): Promise<PictureScorerRequest> {
  const { image } = work[i]!;
  const size = network.sizeOf(image.tensor);
  const facts = await network.factsFor(size, call.signal);
  const wanted = targets.length > work.length ? targets : [targets[i]!];
  const scored = similar
    ? similarityScores(network, run, i, wanted)
    : { head: network.head(wanted[0]!), targets: wanted, row: run.rows[i]! };
  const fed = run.region && !similar ? { [REGION_INPUT]: nthRegion(run.region, i) } : undefined;
  return { image, ...scored, feeds: fed ?? readoutFeeds(scored.head, facts), facts, size, ...call };
}
