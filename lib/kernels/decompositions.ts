import { OnnxCamError } from '../common/errors.ts';
import { type FeatureMaps, featurePair, featureShape, weightedPair } from './features.ts';
import { native, steady } from './native.ts';
import { finite, given, oneOf } from './options.ts';
import { pairArguments, reduceOnDevice, weightedSum } from './reductions.ts';
import type { Maps } from './types.ts';

const SIGNS = ['none', 'activation', 'largest'] as const;
const KERNELS = ['linear', 'sigmoid', 'rbf', 'poly', 'cosine'] as const;

export interface PrincipalComponentOptions {
  /** Subtract each channel's mean over positions first. */
  readonly centre: boolean;
  /** Decompose G ⊙ A instead of A. */
  readonly gradients?: FeatureMaps;
  /** Decompose w ⊙ A instead of A: channel weights [N·C]. */
  readonly weights?: Float32Array;
  /**
   * A principal direction's sign is arbitrary. `activation`: Σ M·mean_k|A_k| ≥ 0. `largest`: |max M| ≥ |min M|. `none`:
   * the method has no rule; treated as `largest`, so that results repeat on every machine.
   */
  readonly sign: (typeof SIGNS)[number];
}

/**
 * Projection of the positions on the first principal direction of their channel vectors: M = σ₁u₁ of X = [positions,
 * channels]. All zeros where X is (for centred X: where every channel is constant); a map is all NaN where anything in X
 * is not finite.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function principalComponent(activations: FeatureMaps, options: PrincipalComponentOptions): Promise<Maps> {
  const { centre, gradients, weights } = given(options, 'principalComponent');
  const sign = oneOf(options.sign, SIGNS, 'sign') === 'activation' ? 'activation' : 'largest';
  if (gradients && weights) {
    throw new OnnxCamError('ERR_OPTION_INVALID', 'principalComponent takes gradients or weights, not both');
  }
  if (!gradients && !weights) {
    const { images, channels, positions, height, width } = featureShape(activations, 'activations');
    const pair = { shape: { images, channels, positions }, activationImages: images, factorImages: 1, lazy: true };
    const there = reduceOnDevice(`component-${sign}`, activations, null, pair, { centre });
    const here = () => {
      const features = [steady(activations.data), images] as const;
      return native().principalComponent(centre, sign, images, channels, positions, ...features, null, 1, true);
    };
    return {
      data: await (there ?? here()),
      dims: [images, height, width],
    };
  }
  const pair = gradients ? featurePair(activations, gradients) : weightedPair(activations, weights!);
  const { images, height, width } = pair.shape;
  const factors = gradients ?? { data: weights!, dims: [] };
  const there = reduceOnDevice(`component-${sign}`, activations, factors, pair, { centre });
  return {
    data: await (there ?? native().principalComponent(centre, sign, ...pairArguments(activations, factors.data, pair))),
    dims: [images, height, width],
  };
}

export type KernelPcaKernel = (typeof KERNELS)[number];

export interface KernelPcaOptions {
  readonly kernel: KernelPcaKernel;
  /** The kernel's scale; 1 / channels by default. */
  readonly gamma?: number;
}

/**
 * First kernel principal component of the positions' centred channel vectors, as scikit-learn's KernelPCA has it: √λ·u,
 * its entry of largest size positive. All zeros where the largest eigenvalue is not positive; all NaN where anything in
 * an image is not finite.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function kernelPca(activations: FeatureMaps, options: KernelPcaOptions): Promise<Maps> {
  const { kernel, gamma } = given(options, 'kernelPca');
  const { images, channels, positions, height, width } = featureShape(activations, 'activations');
  const scale = finite(gamma ?? 1 / channels, 'gamma');
  const shape = [images, channels, positions] as const;
  return {
    data: await native().kernelPca(oneOf(kernel, KERNELS, 'kernel'), scale, steady(activations.data), ...shape),
    dims: [images, height, width],
  };
}

/**
 * The Feature Explanation Method's channel weights: the share of positions above μ_k + k·σ_k (population σ).
 * @returns [N·C]
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function femWeights(activations: FeatureMaps, k: number): Promise<Float32Array> {
  const { images, channels, positions } = featureShape(activations, 'activations');
  return native().femWeights(finite(k, 'k'), steady(activations.data), images, channels, positions);
}

/**
 * Its map: Σ_k w_k A_k.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function femMap(activations: FeatureMaps, k: number): Promise<Maps> {
  return weightedSum(activations, await femWeights(activations, k));
}
