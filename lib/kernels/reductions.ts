import { withSignal } from '../engine/cancellation.ts';
import { type DeviceReduction, DeviceTensor, nativeDevice } from '../engine/device-tensor.ts';
import {
  type FeatureMaps,
  type FeaturePair,
  type FeatureShape,
  featurePair,
  featureShape,
  inMemory,
  weightedPair,
} from './features.ts';
import { nativeKernels, steady } from './native-kernels.ts';
import { oneOf } from './options.ts';
import type { Maps } from './types.ts';

const TERMS = { hirescam: 'product', elementwise: 'positive-product', layercam: 'positive-gradient' } as const;

/**
 * Which product of G and A is summed: G·A, max(G·A, 0) or max(G, 0)·A.
 * @useDeclaredType
 */
export type ProductForm = keyof typeof TERMS;

/** How a form, or a plain product, is called by the addon. */
type Term = (typeof TERMS)[ProductForm];

/**
 * Mean over positions of every channel: Grad-CAM's weights when given gradients.
 * @returns [N·C]; NaN and infinities stay in their channel.
 * @throws `ERR_INPUT_SHAPE`
 */
export async function channelMeans(features: FeatureMaps): Promise<Float32Array> {
  const shape = featureShape(features, 'features');
  if (features instanceof DeviceTensor)
    return reduceOnDevice('means', features, null, {
      shape,
      activationImages: shape.images,
      factorImages: 1,
      lazy: false,
    })!;
  // Of a single position, as gradients behind a global average are.
  if (shape.positions === 1) return features.data.slice();
  return nativeKernels().channelMeans(steady(features.data), shape.images, shape.channels, shape.positions);
}

/**
 * M[n] = Σ_k w[n,k] · A[n,k], without ReLU.
 * @param weights [N·C], or [C] for all images; with activations of one image, N results.
 * @throws `ERR_INPUT_SHAPE`
 */
export async function weightedSum(activations: FeatureMaps, weights: Float32Array): Promise<Maps> {
  return sumOf('product', activations, { data: weights, dims: [] }, weightedPair(activations, weights));
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
  return sumOf(term, activations, gradients, featurePair(activations, gradients));
}

async function sumOf(term: Term, activations: FeatureMaps, factors: FeatureMaps, pair: FeaturePair): Promise<Maps> {
  const { images, height, width } = pair.shape;
  const there = reduceOnDevice(`sum-${term}`, activations, factors, pair);
  const here = async () => {
    const [a, f] = [await inMemory(activations), await inMemory(factors)];
    return nativeKernels().channelSum(term, ...pairArguments(a, f.data, pair));
  };
  return { data: await (there ?? here()), dims: [images, height, width] };
}

/** What a reduction takes besides, where it takes anything. */
type Extras = Partial<Pick<DeviceReduction, 'epsilon' | 'guard' | 'centre'>> & { readonly signal?: AbortSignal };

/**
 * The reduction on the device where the activations are, and the factors too unless they are channel weights; undefined
 * for tensors in the CPU's memory.
 */
export function reduceOnDevice(
  kind: DeviceReduction['kind'],
  activations: FeatureMaps,
  factors: FeatureMaps | null,
  { shape, activationImages, factorImages, lazy }: Omit<FeaturePair, 'shape'> & { readonly shape: Sizes },
  { epsilon = 0, guard = false, centre = false, signal }: Extras = {},
): Promise<Float32Array> | undefined {
  if (!(activations instanceof DeviceTensor)) return undefined;
  const gradients = factors instanceof DeviceTensor;
  if (factors && !gradients && factors.dims.length > 0) return undefined;
  const reduction: DeviceReduction = {
    kind,
    shape: [shape.images, shape.channels, shape.positions],
    activations: activations.handle,
    activationImages,
    factors: gradients ? factors.handle : (factors?.data ?? null),
    factorImages,
    lazy,
    epsilon,
    guard,
    centre,
  };
  return withSignal(signal, cancellation => nativeDevice().reduceKept(reduction, cancellation));
}

type Sizes = Pick<FeatureShape, 'images' | 'channels' | 'positions'>;

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
