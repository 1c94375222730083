import { addon } from '../engine/addon.ts';
import { type FeatureMaps, type FeatureShape, featureShape } from './features.ts';
import type { Answer } from './native-kernels.ts';

/** Powers of the gradients of several copies of an image, added up: the copies need not be kept. */
export interface GradientPowers {
  readonly copies: number;
  /** Σ G, Σ G² and Σ G³ over the copies, [3, G's elements]. */
  readonly sums: Float64Array;
  /** Of G, which may be lazy. */
  readonly shape: FeatureShape;
}

interface PowerKernels {
  addGradientPowers(gradients: Float32Array, count: number, sums: Float64Array): Answer<Float64Array>;
  smoothWeights(
    activations: Float32Array,
    activationImages: number,
    images: number,
    channels: number,
    positions: number,
    sums: Float64Array,
    gradientImages: number,
    lazy: boolean,
    copies: number,
    first: Float32Array | null,
  ): Answer<Float32Array>;
}

/**
 * The powers with those of one more copy, added in place; without powers those of the first.
 * @throws `ERR_INPUT_SHAPE`
 */
export async function addGradientPowers(gradients: FeatureMaps, powers?: GradientPowers): Promise<GradientPowers> {
  const shape = featureShape(gradients, 'gradients');
  const { data } = gradients;
  const into = powers?.sums ?? new Float64Array(3 * data.length);
  const sums = await addon<PowerKernels>().addGradientPowers(data, data.length, into);
  return { copies: (powers?.copies ?? 0) + 1, sums, shape };
}

/**
 * Smooth Grad-CAM++'s w_k = Σ α·max(first, 0) with α = D₂ / (2·D₂ + Σ(D₃ ⊙ A) + ε), D_j the mean of G^j: [N·C].
 * @param first the gradients whose positive part is taken, of the powers' shape; left out: their mean D₁
 * @throws `ERR_INPUT_SHAPE`
 */
export async function smoothWeights(
  activations: FeatureMaps,
  { copies, sums, shape }: GradientPowers,
  first?: FeatureMaps,
): Promise<Float32Array> {
  const { images, channels, positions } = featureShape(activations, 'activations');
  return addon<PowerKernels>().smoothWeights(
    activations.data,
    images,
    Math.max(images, shape.images),
    channels,
    positions,
    sums,
    shape.images,
    shape.positions === 1,
    copies,
    first?.data ?? null,
  );
}
