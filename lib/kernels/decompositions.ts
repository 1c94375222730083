import { OnnxCamError } from '../common/errors.ts';
import { withSignal } from '../engine/cancellation.ts';
import { type FeatureMaps, featurePair, featureShape, inMemory, weightedPair } from './features.ts';
import { nativeKernels, steady } from './native-kernels.ts';
import { finite, given, oneOf } from './options.ts';
import { pairArguments, reduceOnDevice, weightedSum } from './reductions.ts';
import type { Maps } from './types.ts';

const SIGNS = ['none', 'activation', 'largest'] as const;
const KERNELS = ['linear', 'sigmoid', 'rbf', 'poly', 'cosine'] as const;

/** Options of `principalComponent`. */
export interface PrincipalComponentOptions {
  /** Subtract each channel's mean over positions first. */
  readonly centre: boolean;
  /** Decompose G ⊙ A instead of A. */
  readonly gradients?: FeatureMaps | undefined;
  /** Decompose w ⊙ A instead of A: channel weights [N·C]. */
  readonly weights?: Float32Array | undefined;
  /**
   * A principal direction's sign is arbitrary. `activation`: Σ M·mean_k|A_k| ≥ 0. `largest`: |max M| ≥ |min M|. `none`:
   * the method has no rule; treated as `largest`, so that results repeat on every machine.
   */
  readonly sign: (typeof SIGNS)[number];
  /** Ends the call with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Projection of the positions on the first principal direction of their channel vectors: M = σ₁u₁ of X = [positions,
 * channels]. All zeros where X is (for centred X: where every channel is constant); a map is all NaN where anything in X
 * is not finite.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`, `ERR_OUT_OF_MEMORY`, `ERR_ABORTED`
 */
export async function principalComponent(activations: FeatureMaps, options: PrincipalComponentOptions): Promise<Maps> {
  const { centre, gradients, weights, signal } = given(options, 'principalComponent');
  const sign = oneOf(options.sign, SIGNS, 'sign') === 'activation' ? 'activation' : 'largest';
  if (gradients && weights) {
    throw new OnnxCamError('ERR_OPTION_INVALID', 'principalComponent takes gradients or weights, not both');
  }
  if (!gradients && !weights) {
    const { images, channels, positions, height, width } = featureShape(activations, 'activations');
    const pair = { shape: { images, channels, positions }, activationImages: images, factorImages: 1, lazy: true };
    const there = reduceOnDevice(`component-${sign}`, activations, null, pair, { centre, signal });
    const here = async () => {
      const features = [steady((await inMemory(activations)).data), images] as const;
      const args = [centre, sign, images, channels, positions, ...features, null, 1, true] as const;
      return withSignal(signal, cancellation => nativeKernels().principalComponent(...args, cancellation));
    };
    return {
      data: await (there ?? here()),
      dims: [images, height, width],
    };
  }
  const pair = gradients ? featurePair(activations, gradients) : weightedPair(activations, weights!);
  const { images, height, width } = pair.shape;
  const factors = gradients ?? { data: weights!, dims: [] };
  const there = reduceOnDevice(`component-${sign}`, activations, factors, pair, { centre, signal });
  const here = async () => {
    const args = pairArguments(await inMemory(activations), (await inMemory(factors)).data, pair);
    return withSignal(signal, cancellation => nativeKernels().principalComponent(centre, sign, ...args, cancellation));
  };
  return { data: await (there ?? here()), dims: [images, height, width] };
}

/**
 * Kernel functions of `kernelPca`, as in scikit-learn (degree 3 for poly, offset 1).
 * @useDeclaredType
 */
export type KernelPcaKernel = (typeof KERNELS)[number];

/** Options of `kernelPca`. */
export interface KernelPcaOptions {
  /** How similar two positions are. */
  readonly kernel: KernelPcaKernel;
  /** The kernel's scale; 1 / channels by default. */
  readonly gamma?: number | undefined;
  /** Ends the call with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * First kernel principal component of the positions' centred channel vectors, as scikit-learn's KernelPCA has it: √λ·u,
 * its entry of largest size positive. All zeros where the largest eigenvalue is not positive; all NaN where anything in
 * an image is not finite. Of more than 4096 positions the kernels other than the linear one find the component in 4096 of
 * them, spread evenly, and project all on it: the whole matrix would have positions² entries.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`, `ERR_OUT_OF_MEMORY`, `ERR_ABORTED`
 */
export async function kernelPca(activations: FeatureMaps, options: KernelPcaOptions): Promise<Maps> {
  const { kernel, gamma, signal } = given(options, 'kernelPca');
  const { images, channels, positions, height, width } = featureShape(activations, 'activations');
  const scale = finite(gamma ?? 1 / channels, 'gamma');
  const known = oneOf(kernel, KERNELS, 'kernel');
  const args = [known, scale, steady((await inMemory(activations)).data), images, channels, positions] as const;
  const data = await withSignal(signal, cancellation => nativeKernels().kernelPca(...args, cancellation));
  return { data, dims: [images, height, width] };
}

/**
 * The Feature Explanation Method's channel weights: the share of positions above μ_k + k·σ_k (population σ).
 * @returns [N·C]
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function femWeights(activations: FeatureMaps, k: number): Promise<Float32Array> {
  const { images, channels, positions } = featureShape(activations, 'activations');
  const { data } = await inMemory(activations);
  return nativeKernels().femWeights(finite(k, 'k'), steady(data), images, channels, positions);
}

/**
 * Its map: Σ_k w_k A_k.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function femMap(activations: FeatureMaps, k: number): Promise<Maps> {
  return weightedSum(activations, await femWeights(activations, k));
}
