import { OnnxCamError } from '../common/errors.ts';
import type { MethodDefinition } from '../methods/definition.ts';
import type { Network, NetworkResult } from '../network/network.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import type { DetectionSimilarity } from '../targets/readout.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import { ScoreRow } from '../targets/score.ts';
import { referenceOf } from './detections.ts';

/** What changed copies of an image are scored by in the place of the targets' own scores. */
export interface SimilarityScores {
  readonly head: ScoreHead;
  readonly targets: readonly ResolvedTarget[];
  readonly row: ScoreRow;
}

/** Similarities of an image's detections to those that the targets stand for, one for each target. */
export function similarityScores(
  network: Network,
  { candidates, rows }: NetworkResult,
  i: number,
  targets: readonly ResolvedTarget[],
): SimilarityScores {
  const { output, readout: own } = targets[0]!;
  const format = own?.kind === 'detection' ? own.format : undefined;
  const references = targets.map(target => referenceOf(target, candidates!, i, rows[i]!));
  const readout: DetectionSimilarity = { kind: 'detection-similarity', ...(format && { format }), references };
  return {
    head: network.head({ output, readout }),
    targets: targets.map((target, t) => ({
      ...target,
      terms: [{ view: 'logit', index: t, weight: 1 }],
      classification: false,
    })),
    // An image is wholly similar to itself.
    row: new ScoreRow(new Float32Array(targets.length).fill(1), 'none'),
  };
}

/**
 * @throws `ERR_METHOD_UNSUPPORTED` for methods that compare detections where a target isn't a single one
 */
export function checkDetections({ name, needs }: MethodDefinition, targets: readonly ResolvedTarget[]): void {
  if (!needs.scores?.includes('detections')) return;
  const single = targets.every(
    ({ readout, terms }) => readout?.kind === 'detection' && terms.length === 1 && terms[0]!.weight === 1,
  );
  if (single) return;
  throw new OnnxCamError(
    'ERR_METHOD_UNSUPPORTED',
    `${name} explains single detections of a detector; take detection({ classIndex, box }) as target` +
      (targets[0]?.readout?.kind === 'detection' ? '' : ', or rise, which explains other scores by random masks too'),
  );
}
