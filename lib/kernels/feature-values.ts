import { addon } from '../engine/addon.ts';
import { type FeatureMaps, featurePair, featureShape } from './features.ts';
import type { Answer } from './native-kernels.ts';
import type { Maps } from './types.ts';

interface FeatureKernels {
  gateGradients(
    images: number,
    channels: number,
    positions: number,
    activations: Float32Array,
    activationImages: number,
    gradients: Float32Array,
    gradientImages: number,
    lazy: boolean,
  ): Answer<Float32Array>;
  maskColours(
    values: Float32Array,
    masks: Float32Array,
    images: number,
    channels: number,
    positions: number,
  ): Answer<Float32Array>;
  colourStrength(values: Float32Array, images: number, channels: number, positions: number): Answer<Float32Array>;
}

/**
 * G where G·A is positive, else 0, of the activations' positions: what element-wise Grad-CAM multiplies A with.
 * @throws `ERR_INPUT_SHAPE`
 */
export async function gateGradients(activations: FeatureMaps, gradients: FeatureMaps): Promise<FeatureMaps> {
  const { shape, activationImages, factorImages, lazy } = featurePair(activations, gradients);
  const { images, channels, positions } = shape;
  const features = [activations.data, activationImages, gradients.data, factorImages, lazy] as const;
  const data = await addon<FeatureKernels>().gateGradients(images, channels, positions, ...features);
  return { data, dims: [images, ...activations.dims.slice(1)] };
}

/**
 * Values in colours [N, C, h, w], each times its image's mask [N, h, w].
 * @throws `ERR_INPUT_SHAPE`
 */
export async function maskColours(values: FeatureMaps, masks: Maps): Promise<FeatureMaps> {
  const { images, channels, positions } = featureShape(values, 'values');
  const data = await addon<FeatureKernels>().maskColours(values.data, masks.data, images, channels, positions);
  return { data, dims: values.dims };
}

/**
 * Σ_c |value| over the channels of [N, C, h, w]: where a picture of signed colours is strong.
 * @throws `ERR_INPUT_SHAPE`
 */
export async function colourStrength(values: FeatureMaps): Promise<Maps> {
  const { images, channels, positions, height, width } = featureShape(values, 'values');
  const data = await addon<FeatureKernels>().colourStrength(values.data, images, channels, positions);
  return { data, dims: [images, height, width] };
}
