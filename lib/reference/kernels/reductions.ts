import { type FeatureMaps, type FeaturePair, featurePair, featureShape, weightedPair } from '../../kernels/features.ts';
import type { PlusPlusMode } from '../../kernels/gradient-weights.ts';
import type { ProductForm } from '../../kernels/reductions.ts';
import type { Maps } from '../../kernels/types.ts';

/** Twin of native/kernels/reduce/channel_means.cpp. */
export function channelMeans(features: FeatureMaps): Float32Array {
  const { images, channels, positions } = featureShape(features, 'features');
  const means = new Float32Array(images * channels);
  for (let row = 0; row < means.length; row++)
    means[row] = rowSum(features.data, row * positions, positions) / positions;
  return means;
}

/** Twin of native/kernels/reduce/channel_sum.cpp with lazy gradients. */
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

/** Twin of native/kernels/reduce/channel_sum.cpp. */
export function gradientProduct(activations: FeatureMaps, gradients: FeatureMaps, form: ProductForm): Maps {
  const pair = featurePair(activations, gradients);
  const { images, channels, positions, height, width } = pair.shape;
  const maps = new Float32Array(images * positions);
  const sums = new Float64Array(positions);
  for (let n = 0; n < images; n++) {
    sums.fill(0);
    for (let k = 0; k < channels; k++) addProducts(activations.data, gradients.data, pair, n, k, form, sums);
    maps.set(sums, n * positions);
  }
  return { data: maps, dims: [images, height, width] };
}

function addProducts(
  a: Float32Array,
  g: Float32Array,
  pair: FeaturePair,
  n: number,
  k: number,
  form: ProductForm,
  sums: Float64Array,
): void {
  const { first, gradient, step } = rowsOf(pair, n, k);
  for (let i = 0; i < sums.length; i++) {
    const factor = g[gradient + i * step]!;
    const activation = a[first + i]!;
    // Comparisons with < leave NaN alone.
    if (form === 'layercam') sums[i]! += Math.max(factor, 0) * activation;
    else if (form === 'elementwise' && factor * activation < 0) continue;
    else sums[i]! += factor * activation;
  }
}

/** Twin of native/kernels/reduce/gradient_weights.cpp. */
export function gradCamPlusPlusWeights(
  activations: FeatureMaps,
  gradients: FeatureMaps,
  mode: PlusPlusMode,
): Float32Array {
  const pair = featurePair(activations, gradients);
  const { images, channels, positions } = pair.shape;
  const weights = new Float32Array(images * channels);
  for (let row = 0; row < weights.length; row++) {
    const { first, gradient, step } = rowsOf(pair, Math.floor(row / channels), row % channels);
    const sum = rowSum(activations.data, first, positions);
    let weight = 0;
    for (let i = 0; i < positions; i++) {
      const g = gradients.data[gradient + i * step]!;
      weight += plusPlusTerm(Math.max(g, 0), sum, mode);
    }
    weights[row] = weight;
  }
  return weights;
}

function plusPlusTerm(g: number, sum: number, mode: PlusPlusMode): number {
  const cube = g * g * g;
  if (mode === 'torchcam') return cube;
  const denominator = mode === 'paper' ? 2 + sum * g : 2 * g * g + sum * cube + 1e-6;
  if (Math.abs(denominator) < 1e-12) return 0;
  return (mode === 'paper' ? g : cube) / denominator;
}

/** Twin of native/kernels/reduce/gradient_weights.cpp. */
export function xgradCamWeights(
  activations: FeatureMaps,
  gradients: FeatureMaps,
  epsilon: number,
  { guard = false }: { readonly guard?: boolean } = {},
): Float32Array {
  const pair = featurePair(activations, gradients);
  const { images, channels, positions } = pair.shape;
  const weights = new Float32Array(images * channels);
  for (let row = 0; row < weights.length; row++) {
    const { first, gradient, step } = rowsOf(pair, Math.floor(row / channels), row % channels);
    let sum = 0;
    let product = 0;
    for (let i = 0; i < positions; i++) {
      const a = activations.data[first + i]!;
      sum += a;
      product += gradients.data[gradient + i * step]! * a;
    }
    const guarded = Math.abs(sum) < epsilon ? (sum < 0 ? -epsilon : epsilon) : sum;
    weights[row] = product / (guard ? guarded : sum + epsilon);
  }
  return weights;
}

/** Twin of native/kernels/reduce/fem.cpp and the weighted sum behind it. */
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

/** Where channel k of result image n begins in activations and gradients; lazy gradients stay in place (step 0). */
export function rowsOf({ shape, activationImages, factorImages, lazy }: FeaturePair, n: number, k: number) {
  const { channels, positions } = shape;
  const factor = (n % factorImages) * channels + k;
  return {
    first: ((n % activationImages) * channels + k) * positions,
    gradient: lazy ? factor : factor * positions,
    step: lazy ? 0 : 1,
  };
}
