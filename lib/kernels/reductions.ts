import { type FeatureMaps, type FeaturePair, featurePair, featureShape, weightedPair } from './features.ts';
import type { Maps } from './maps.ts';
import { native, steady } from './native.ts';
import { oneOf } from './options.ts';

const TERMS = { hirescam: 'product', elementwise: 'positive-product', layercam: 'positive-gradient' } as const;

/** Which product of G and A is summed: G·A, max(G·A, 0) or max(G, 0)·A. */
export type ProductForm = keyof typeof TERMS;

/**
 * Mean over positions of every channel: Grad-CAM's weights when given gradients.
 * @returns [N·C]; NaN and infinities stay in their channel.
 * @throws `ERR_INPUT_SHAPE`
 */
export async function channelMeans(features: FeatureMaps): Promise<Float32Array> {
  const { images, channels, positions } = featureShape(features, 'features');
  return native().channelMeans(steady(features.data), images, channels, positions);
}

/**
 * M[n] = Σ_k w[n,k] · A[n,k], without ReLU.
 * @param weights [N·C], or [C] for all images; with activations of one image, N results.
 * @throws `ERR_INPUT_SHAPE`
 */
export async function weightedSum(activations: FeatureMaps, weights: Float32Array): Promise<Maps> {
  return channelSum('product', activations, weights, weightedPair(activations, weights));
}

/**
 * M[n] = Σ_k of the product of G[n,k] and A[n,k] that `form` names, without outer ReLU.
 * @param gradients of the activations' shape or lazy ([N, C, 1, 1]); N may be 1 on either side.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function gradientProduct(
  activations: FeatureMaps,
  gradients: FeatureMaps,
  form: ProductForm,
): Promise<Maps> {
  const term = TERMS[oneOf(form, Object.keys(TERMS) as ProductForm[], 'form')];
  return channelSum(term, activations, gradients.data, featurePair(activations, gradients));
}

async function channelSum(
  term: (typeof TERMS)[ProductForm],
  activations: FeatureMaps,
  factors: Float32Array,
  pair: FeaturePair,
): Promise<Maps> {
  const { images, height, width } = pair.shape;
  return {
    data: await native().channelSum(term, ...pairArguments(activations, factors, pair)),
    dims: [images, height, width],
  };
}

/** The common part of the native argument lists. */
export function pairArguments(
  activations: FeatureMaps,
  factors: Float32Array,
  { shape, activationImages, factorImages, lazy }: FeaturePair,
) {
  const { images, channels, positions } = shape;
  return [
    images,
    channels,
    positions,
    steady(activations.data),
    activationImages,
    steady(factors),
    factorImages,
    lazy,
  ] as const;
}
