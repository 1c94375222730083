import { defineMethod } from './definition.ts';
import { averagedWeights } from './support/averaged-weights.ts';
import { CHANNEL_PARAMS, DEDUPE_PARAM, needsOfRank } from './support/score-params.ts';

/**
 * w_k = softmax_k of the mean score over n noisy copies: noise δ ~ N(0, σ²) on the mask, f((H_k + δ) ⊙ x), which is not
 * clipped, or on the image, f(H_k ⊙ (x + δ)). With σ → 0 it is Score-CAM as torchcam has it.
 */
export const ssCam = defineMethod({
  name: 'ss-cam',
  title: 'SS-CAM',
  family: 'score',
  paper: 'arXiv:2006.14255',
  needs: { activations: true, scores: ['masks'] },
  needsFor: needsOfRank,
  cost: '(1 + nC)F',
  params: {
    variant: {
      type: 'integer',
      default: 1,
      min: 1,
      max: 2,
      description: 'where the noise goes: 1 on the mask, 2 on the image',
    },
    n: { type: 'integer', default: 35, min: 1, description: 'noisy copies for each channel' },
    sigma: { type: 'number', default: 2, min: 0, description: "the noise's standard deviation" },
    ...CHANNEL_PARAMS,
    dedupe: DEDUPE_PARAM,
  },
  conventions: ['torchcam'],
  relu: true,
  scope: 'layer',
  compute: async (layer, context) => {
    const { params, seed } = context;
    const target = params.variant === 2 ? 'input' : 'mask';
    const noise = { target, samples: params.n as number, sigma: params.sigma as number, seed } as const;
    return { weights: await averagedWeights(layer, context, { noise }) };
  },
});
