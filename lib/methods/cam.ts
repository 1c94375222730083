import { defineMethod } from './definition.ts';
import { perChannel, weightedTerms } from './support/terms-in-graph.ts';

/**
 * M = Σ_k W[c,k] A_k: the classifier's weights behind global average pooling; the bias is left out, so the mean of M
 * plus the bias is the logit. No ReLU in the paper and in torchcam.
 */
export const cam = defineMethod({
  name: 'cam',
  title: 'CAM',
  family: 'linear',
  paper: 'arXiv:1512.04150',
  needs: { activations: true, classifier: true },
  cost: '1F',
  conventions: ['torchcam'],
  relu: false,
  reductions: true,
  scope: 'layer',
  compute: async ({ classifier }) => {
    if (!classifier) throw new TypeError('the classifier rows were not read for a method that needs them');
    return { weights: classifier };
  },
  inGraph: (emit, { activations, classifier }) =>
    weightedTerms(emit, activations, perChannel(emit, classifier!, activations)),
});
