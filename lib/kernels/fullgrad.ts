import { addon } from '../engine/addon.ts';
import { type FeatureMaps, featurePair } from './features.ts';
import type { Answer } from './native-kernels.ts';
import type { Maps } from './types.ts';

export interface FullGradOptions {
  /** Stretch every channel by itself instead of all of an image together. */
  readonly perChannel: boolean;
  /** Added to max − min, by which is divided. */
  readonly epsilon: number;
}

interface FullGradKernels {
  fullGradTerm(
    activations: Float32Array | null,
    activationImages: number,
    bias: Float32Array | null,
    images: number,
    channels: number,
    positions: number,
    gradients: Float32Array,
    gradientImages: number,
    lazy: boolean,
    perChannel: boolean,
    epsilon: number,
  ): Answer<Float32Array>;
}

/**
 * Σ over channels of |G ⊙ A|, or of |G ⊙ b| where the layer has a bias [C], stretched to [0, 1]: [N, h, w].
 * @param gradients of the activations' shape, or lazy; N of the activations may be 1
 * @throws `ERR_INPUT_SHAPE`
 */
export async function fullGradTerm(
  activations: FeatureMaps,
  gradients: FeatureMaps,
  bias: Float32Array | undefined,
  { perChannel, epsilon }: FullGradOptions,
): Promise<Maps> {
  const { shape, activationImages, factorImages, lazy } = featurePair(activations, gradients);
  // A bias is all that is read of a layer: where gradients are of several targets they say how many.
  const images = bias ? factorImages : shape.images;
  const data = await addon<FullGradKernels>().fullGradTerm(
    bias ? null : activations.data,
    activationImages,
    bias ?? null,
    images,
    shape.channels,
    shape.positions,
    gradients.data,
    factorImages,
    lazy,
    perChannel,
    epsilon,
  );
  return { data, dims: [images, shape.height, shape.width] };
}
