import { channelMeans } from '../kernels/index.ts';
import { defineMethod, gradientsOf } from './definition.ts';

/**
 * w_k = mean over positions of G − ½ H·A, the second-order expansion of the channels' Shapley values; M = ReLU(Σ_k w_k
 * A_k). A logit behind a piecewise linear tail has no curvature and gives Grad-CAM; the paper explains the ReST score
 * instead (`rest(target)`).
 */
export const shapleyCam = defineMethod({
  name: 'shapley-cam',
  title: 'Shapley-CAM',
  family: 'gradient',
  paper: 'arXiv:2501.06261',
  needs: { activations: true, gradients: 'second' },
  cost: '1F + 2B',
  conventions: ['pytorch-grad-cam'],
  relu: true,
  scope: 'layer',
  compute: async layer => {
    const weights = await channelMeans(gradientsOf(layer));
    if (!layer.curvature) return { weights };
    const curvature = await channelMeans(layer.curvature);
    return { weights: weights.map((weight, i) => weight - curvature[i]! / 2) };
  },
});
