import { channelMeans } from '../kernels/index.ts';
import { attributionsOf, defineMethod } from './definition.ts';

/**
 * w_k = mean of the relevance R_k that reaches the layer from the class, against all other classes; M = Σ_k w_k A_k, as
 * in the authors' code without ReLU. Made for shallow layers too, where gradients are noise. For logits.
 */
export const relevanceCam = defineMethod({
  name: 'relevance-cam',
  title: 'Relevance-CAM',
  family: 'gradient',
  paper: 'doi:10.1109/CVPR46437.2021.01470',
  needs: { activations: true, attributions: 'relevance' },
  cost: '1F + 1B',
  conventions: [],
  relu: false,
  scope: 'layer',
  compute: async layer => ({ weights: await channelMeans(attributionsOf(layer)) }),
});
