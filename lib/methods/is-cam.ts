import { defineMethod } from './definition.ts';
import { averagedWeights } from './support/averaged-weights.ts';
import { CHANNEL_PARAMS, DEDUPE_PARAM, needsOfRank } from './support/score-params.ts';

/** Factors of the mask on the way from nothing to all of it. */
function ladder(mode: string, n: number): number[] {
  if (mode === 'clean') return Array.from({ length: n }, (_, i) => (i + 1) / n);
  // torchcam adds up its steps and so goes on to (n + 1)/2.
  return Array.from({ length: n }, (_, i) => ((i + 1) * (i + 2)) / 2 / n);
}

/** w_k = softmax_k of the mean score over n steps c of f(c · H_k ⊙ x), the integral of the score along the mask. */
export const isCam = defineMethod({
  name: 'is-cam',
  title: 'IS-CAM',
  family: 'score',
  paper: 'arXiv:2010.03023',
  needs: { activations: true, scores: ['masks'] },
  needsFor: needsOfRank,
  cost: '(1 + nC)F',
  params: {
    mode: {
      type: 'string',
      values: ['clean', 'torchcam'],
      default: 'clean',
      defaults: { torchcam: 'torchcam' },
      description: "steps i/n that end at the whole mask, or torchcam's, which go on beyond it",
    },
    n: { type: 'integer', default: 10, min: 1, description: 'steps of the integral' },
    ...CHANNEL_PARAMS,
    dedupe: DEDUPE_PARAM,
  },
  conventions: ['torchcam'],
  relu: true,
  scope: 'layer',
  compute: async (layer, context) => {
    const { mode, n } = context.params;
    return { weights: await averagedWeights(layer, context, { scales: ladder(mode as string, n as number) }) };
  },
});
