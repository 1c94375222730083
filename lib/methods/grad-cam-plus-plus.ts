import { gradCamPlusPlusWeights, type PlusPlusMode } from '../kernels/index.ts';
import { defineMethod, gradientsOf } from './definition.ts';

/**
 * α = G² / (2G² + (Σ A) G³), w_k = Σ α·ReLU(G); M = ReLU(Σ_k w_k A_k). The modes differ in ε and in torchcam's
 * division, which has no effect there (docs/methods.md#grad-cam-pp).
 */
export const gradCamPlusPlus = defineMethod({
  name: 'grad-cam++',
  title: 'Grad-CAM++',
  family: 'gradient',
  paper: 'arXiv:1710.11063',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  params: {
    mode: {
      type: 'string',
      values: ['paper', 'pgc', 'torchcam'],
      default: 'paper',
      defaults: { 'pytorch-grad-cam': 'pgc', torchcam: 'torchcam' },
      description: "whose weights: the paper's, pytorch-grad-cam's or torchcam's",
    },
  },
  conventions: ['pytorch-grad-cam', 'torchcam'],
  relu: true,
  reductions: true,
  channelwise: true,
  scope: 'layer',
  compute: async (layer, { params }) => ({
    weights: await gradCamPlusPlusWeights(layer.activations, gradientsOf(layer), params.mode as PlusPlusMode),
  }),
});
