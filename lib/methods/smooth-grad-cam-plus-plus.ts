import { addGradientPowers, smoothWeights } from '../kernels/gradient-powers.ts';
import { weightedSum } from '../kernels/index.ts';
import { defineMethod } from './definition.ts';

/**
 * w_k = Σ α·ReLU(G), α = D₂ / (2·D₂ + Σ(D₃ ⊙ A) + ε) with D_j the mean of G^j over the copies:
 * Grad-CAM++ with derivatives averaged over noisy copies of the image. `clean` sums the image's own activations and takes
 * the mean gradient's positive part; `torchcam` takes the last copy's gradient and activations
 * (docs/methods.md#smooth-grad-cam-pp).
 */
export const smoothGradCamPlusPlus = defineMethod({
  name: 'smooth-grad-cam++',
  title: 'Smooth Grad-CAM++',
  family: 'gradient',
  paper: 'arXiv:1908.01224',
  needs: { activations: true, gradients: 'first' },
  needsFor: ({ n, sigma }) => ({ noise: { runs: n as number, sigma: sigma as number } }),
  cost: '(1 + n)F + (1 + n)B',
  params: {
    n: { type: 'integer', default: 4, min: 1, max: 1000, description: 'noisy copies of the image' },
    sigma: {
      type: 'number',
      default: 0.3,
      min: 0,
      description: 'standard deviation of the noise, in units of the preprocessed input',
    },
    mode: {
      type: 'string',
      values: ['clean', 'torchcam'],
      default: 'clean',
      defaults: { torchcam: 'torchcam' },
      description: "clean: the mean gradient and the image's own activations; torchcam: those of the last copy",
    },
  },
  conventions: ['torchcam'],
  relu: true,
  scope: 'layer',
  compute: async ({ activations, gradients, noisy }, { params }) => {
    // Tensors from somewhere else are a single copy.
    const copies = noisy ?? { activations, gradients: gradients!, powers: await addGradientPowers(gradients!) };
    if (params.mode === 'clean') return { weights: await smoothWeights(activations, copies.powers) };
    const weights = await smoothWeights(activations, copies.powers, copies.gradients);
    return { maps: await weightedSum(copies.activations, weights) };
  },
});
