import {
  type AffineTail,
  affineChannelScores,
  affinePositionScores,
  affineSetScores,
} from '../kernels/affine-scores.ts';
import type { TailRequest } from './tail-request.ts';

/**
 * Scores of changed activations where the score is an affine function of them: no run is needed.
 * @returns [items, targets]
 */
export function affineScores(tail: AffineTail, request: TailRequest): Promise<Float64Array> {
  switch (request.kind) {
    case 'channels':
      return affineChannelScores(tail, request.channels, request.values);
    case 'sets':
      return affineSetScores(tail, request.sets);
    case 'positions':
      return affinePositionScores(tail, request.gaussian ? 'spread' : 'none');
    case 'neighbourhoods':
      return affinePositionScores(tail, 'kept');
  }
}
