import { channelMeans } from '../kernels/index.ts';
import { defineMethod, gradientsOf } from './definition.ts';
import { meanOverPositions, weightedTerms } from './support/terms-in-graph.ts';

/** w_k = mean of G_k over positions; M = ReLU(Σ_k w_k A_k). */
export const gradCam = defineMethod({
  name: 'grad-cam',
  title: 'Grad-CAM',
  family: 'gradient',
  paper: 'arXiv:1610.02391',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  conventions: ['pytorch-grad-cam', 'torchcam'],
  relu: true,
  reductions: true,
  channelwise: true,
  scope: 'layer',
  compute: async layer => ({ weights: await channelMeans(gradientsOf(layer)) }),
  inGraph: (emit, { activations, gradients }) => weightedTerms(emit, activations, meanOverPositions(emit, gradients!)),
});
