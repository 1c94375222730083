import { type FeatureMaps, type FeaturePair, featurePair, featureShape, weightedPair } from '../features.ts';
import type { PlusPlusMode } from '../gradient-weights.ts';
import type { Maps } from '../maps.ts';
import type { ProductForm } from '../reductions.ts';

/** Twin of native/kernels/channel_means.cpp. */
export function channelMeans(features: FeatureMaps): Float32Array {
  const { images, channels, positions } = featureShape(features, 'features');
  const means = new Float32Array(images * channels);
  for (let row = 0; row < means.length; row++)
    means[row] = rowSum(features.data, row * positions, positions) / positions;
  return means;
}

/** Twin of native/kernels/channel_sum.cpp with lazy gradients. */
export function weightedSum(activations: FeatureMaps, weights: Float32Array): Maps {
  const { shape, activationImages, factorImages } = weightedPair(activations, weights);
  const { images, channels, positions } = shape;
  const data = new Float32Array(images * positions);
  const sums = new Float64Array(positions);
  for (let n = 0; n < images; n++) {
    sums.fill(0);
    let at = (n % activationImages) * channels * positions;
    const first = (n % factorImages) * channels;
    for (let k = 0; k < channels; k++) {
      const weight = weights[first + k]!;
      for (let i = 0; i < positions; i++) sums[i]! += weight * activations.data[at++]!;
    }
    data.set(sums, n * positions);
  }
  return { data, dims: [images, shape.height, shape.width] };
}

/** Twin of native/kernels/channel_sum.cpp. */
export function gradientProduct(activations: FeatureMaps, gradients: FeatureMaps, form: ProductForm): Maps {
  const pair = featurePair(activations, gradients);
  const { images, positions, height, width } = pair.shape;
  const data = new Float32Array(images * positions);
  for (let n = 0; n < images; n++) {
    const sums = new Float64Array(positions);
    forPairs(activations, gradients, pair, n, (a, g, _k, i) => {
      // Comparisons with < leave NaN alone.
      if (form === 'layercam') sums[i]! += (g < 0 ? 0 : g) * a;
      else sums[i]! += form === 'elementwise' && g * a < 0 ? 0 : g * a;
    });
    data.set(sums, n * positions);
  }
  return { data, dims: [images, height, width] };
}

/** Twin of native/kernels/gradient_weights.cpp. */
export function gradCamPlusPlusWeights(
  activations: FeatureMaps,
  gradients: FeatureMaps,
  mode: PlusPlusMode,
): Float32Array {
  const pair = featurePair(activations, gradients);
  const { images, channels, positions } = pair.shape;
  const weights = new Float64Array(images * channels);
  for (let n = 0; n < images; n++) {
    const first = (n % pair.activationImages) * channels * positions;
    const sums = Float64Array.from({ length: channels }, (_, k) =>
      rowSum(activations.data, first + k * positions, positions),
    );
    forPairs(activations, gradients, pair, n, (_a, gradient, k) => {
      const g = gradient < 0 ? 0 : gradient;
      weights[n * channels + k]! += plusPlusTerm(g, sums[k]!, mode);
    });
  }
  return Float32Array.from(weights);
}

function plusPlusTerm(g: number, sum: number, mode: PlusPlusMode): number {
  if (mode === 'torchcam') return g ** 3;
  const denominator = mode === 'paper' ? 2 + sum * g : 2 * g ** 2 + sum * g ** 3 + 1e-6;
  if (Math.abs(denominator) < 1e-12) return 0;
  return (mode === 'paper' ? g : g ** 3) / denominator;
}

/** Twin of native/kernels/gradient_weights.cpp. */
export function xgradCamWeights(
  activations: FeatureMaps,
  gradients: FeatureMaps,
  epsilon: number,
  { guard = false }: { readonly guard?: boolean } = {},
): Float32Array {
  const pair = featurePair(activations, gradients);
  const { images, channels } = pair.shape;
  const sums = new Float64Array(images * channels);
  const products = new Float64Array(images * channels);
  for (let n = 0; n < images; n++) {
    forPairs(activations, gradients, pair, n, (a, g, k) => {
      sums[n * channels + k]! += a;
      products[n * channels + k]! += g * a;
    });
  }
  const denominator = (sum: number) => {
    if (!guard) return sum + epsilon;
    return Math.abs(sum) < epsilon ? (sum < 0 ? -epsilon : epsilon) : sum;
  };
  return Float32Array.from(products, (product, row) => product / denominator(sums[row]!));
}

/** Twin of native/kernels/fem.cpp and the weighted sum behind it. */
export function femMap(activations: FeatureMaps, k: number): Maps {
  const { images, channels, positions } = featureShape(activations, 'activations');
  const { data } = activations;
  const weights = new Float32Array(images * channels);
  for (let row = 0; row < weights.length; row++) {
    const first = row * positions;
    const mean = rowSum(data, first, positions) / positions;
    let squares = 0;
    for (let i = first; i < first + positions; i++) squares += (data[i]! - mean) ** 2;
    const threshold = mean + k * Math.sqrt(squares / positions);
    let above = 0;
    for (let i = first; i < first + positions; i++) above += data[i]! > threshold ? 1 : 0;
    const constant = squares / positions <= 1e-12 * mean * mean;
    weights[row] = Number.isNaN(threshold) ? Number.NaN : constant ? 0 : above / positions;
  }
  return weightedSum(activations, weights);
}

function rowSum(data: Float32Array, first: number, count: number): number {
  let sum = 0;
  for (let i = first; i < first + count; i++) sum += data[i]!;
  return sum;
}

/** Calls visit(a, g, channel, position) for every entry of result image n. */
export function forPairs(
  activations: FeatureMaps,
  gradients: FeatureMaps,
  { shape, activationImages, factorImages, lazy }: FeaturePair,
  n: number,
  visit: (a: number, g: number, channel: number, position: number) => void,
): void {
  const { channels, positions } = shape;
  let a = (n % activationImages) * channels * positions;
  const first = (n % factorImages) * channels * (lazy ? 1 : positions);
  for (let k = 0; k < channels; k++) {
    for (let i = 0; i < positions; i++) {
      visit(activations.data[a++]!, gradients.data[first + (lazy ? k : k * positions + i)]!, k, i);
    }
  }
}
