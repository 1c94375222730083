import { type FeatureMaps, featurePair, inMemory } from './features.ts';
import { nativeKernels } from './native-kernels.ts';
import { finite, oneOf } from './options.ts';
import { pairArguments, reduceOnDevice } from './reductions.ts';

const MODES = ['paper', 'pgc', 'torchcam'] as const;

/**
 * Whose Grad-CAM++ weights: the paper's, pytorch-grad-cam's or torchcam's (docs/methods.md#grad-cam-pp).
 * @useDeclaredType
 */
export type PlusPlusMode = (typeof MODES)[number];

/**
 * Channel weights of Grad-CAM++: Σ_i max(G, 0)·α with α = G² / (2G² + (Σ A)·G³ + ε), ε = 0 (`paper`) or 1e-6 (`pgc`);
 * Σ_i max(G, 0)³ (`torchcam`). α is 0 where its denominator vanishes.
 * @param gradients of the activations' shape or lazy ([N, C, 1, 1]); N may be 1 on either side.
 * @returns [N·C]
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function gradCamPlusPlusWeights(
  activations: FeatureMaps,
  gradients: FeatureMaps,
  mode: PlusPlusMode,
): Promise<Float32Array> {
  const pair = featurePair(activations, gradients);
  const known = oneOf(mode, MODES, 'mode');
  const there = reduceOnDevice(known, activations, gradients, pair);
  if (there) return there;
  const [a, g] = [await inMemory(activations), await inMemory(gradients)];
  return nativeKernels().gradCamPlusPlusWeights(known, ...pairArguments(a, g.data, pair));
}

/**
 * Channel weights of XGrad-CAM: Σ_i G·A / (Σ_i A + ε).
 * @param epsilon what is added to the denominator.
 * @param options `guard`: instead, a denominator below ε in size becomes ε with its sign (signed activations can cancel).
 * @returns [N·C]
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`
 */
export async function xgradCamWeights(
  activations: FeatureMaps,
  gradients: FeatureMaps,
  epsilon: number,
  { guard = false }: { readonly guard?: boolean | undefined } = {},
): Promise<Float32Array> {
  const pair = featurePair(activations, gradients);
  finite(epsilon, 'epsilon', 0);
  const there = reduceOnDevice('xgrad', activations, gradients, pair, { epsilon, guard });
  if (there) return there;
  const [a, g] = [await inMemory(activations), await inMemory(gradients)];
  return nativeKernels().xgradCamWeights(epsilon, guard, ...pairArguments(a, g.data, pair));
}
