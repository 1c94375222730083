import type { FeatureMaps } from '../kernels/features.ts';
import { weightedSum } from '../kernels/index.ts';
import { defineMethod, gradientsOf, type LayerTensors } from './definition.ts';

/** What torchcam adds to the denominator of α. */
const EPSILON = 1e-8;

/** D₁, D₂ and D₃ of every gradient value: the means over the noisy copies of G, G² and G³. */
function powerMeans(copies: readonly FeatureMaps[]): [Float64Array, Float64Array, Float64Array] {
  const length = copies[0]!.data.length;
  const sums = [1, 2, 3].map(() => new Float64Array(length)) as [Float64Array, Float64Array, Float64Array];
  for (const { data } of copies)
    for (let i = 0; i < length; i++) {
      const g = data[i]!;
      sums[0][i]! += g / copies.length;
      sums[1][i]! += (g * g) / copies.length;
      sums[2][i]! += (g * g * g) / copies.length;
    }
  return sums;
}

/**
 * w_k = Σ α·ReLU(first), α = D₂ / (2·D₂ + Σ(D₃ ⊙ A) + ε): [N·C]. Gradients may be lazy, and N of the activations 1.
 */
function smoothWeights(layer: LayerTensors, first: 'mean' | 'last'): Float32Array {
  const { activations } = layer;
  const copies = (layer.noisy ?? [layer]).map(gradientsOf);
  const { dims } = copies[0]!;
  const [d1, d2, d3] = powerMeans(copies);
  const last = copies.at(-1)!.data;
  const rows = Math.max(activations.dims[0]!, dims[0]!) * dims[1]!;
  const own = d1.length / (dims[0]! * dims[1]!);
  const positions = activations.data.length / (activations.dims[0]! * activations.dims[1]!);
  const repeats = positions / own;
  const weights = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const g = (row % (dims[0]! * dims[1]!)) * own;
    const a = (row % (activations.data.length / positions)) * positions;
    let sum = 0;
    for (let p = 0; p < positions; p++) sum += d3[g + (own === 1 ? 0 : p)]! * activations.data[a + p]!;
    let weight = 0;
    for (let p = 0; p < own; p++) {
      const denominator = 2 * d2[g + p]! + sum + EPSILON;
      const value = Math.max(0, first === 'mean' ? d1[g + p]! : last[g + p]!);
      if (value > 0 && denominator !== 0) weight += (d2[g + p]! / denominator) * value * repeats;
    }
    weights[row] = weight;
  }
  return weights;
}

/**
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
  compute: async (layer, { params }) => {
    if (params.mode === 'clean') return { weights: smoothWeights(layer, 'mean') };
    const { activations } = layer.noisy?.at(-1) ?? layer;
    return { maps: await weightedSum(activations, smoothWeights(layer, 'last')) };
  },
});
