import { channelMeans } from '../kernels/index.ts';
import { attributionsOf, defineMethod } from './definition.ts';

/**
 * w_k = Σ over positions of what channel k contributes to the score against a layer of zeros, by DeepLIFT's rescale rule:
 * estimates of the channels' SHAP values, which add up to y(A) − y(0). M = ReLU(Σ_k w_k A_k).
 */
export const liftCam = defineMethod({
  name: 'lift-cam',
  title: 'LIFT-CAM',
  family: 'gradient',
  paper: 'arXiv:2102.05228',
  needs: { activations: true, attributions: 'contributions' },
  cost: '1F + 1B + 1T',
  conventions: [],
  relu: true,
  enlarged: () => 'bilinear',
  scope: 'layer',
  compute: async layer => {
    const contributions = attributionsOf(layer);
    const means = await channelMeans(contributions);
    const positions = contributions.dims.slice(2).reduce((product, size) => product * size, 1);
    return { weights: means.map(mean => mean * positions) };
  },
});
