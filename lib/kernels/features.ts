import { OnnxCamError } from '../common/errors.ts';
import { className, isFloat32Array } from '../common/kinds.ts';
import { DeviceTensor } from '../engine/device-tensor.ts';
import { elementCount } from '../engine/tensor.ts';
import type { Maps } from './types.ts';

/**
 * Feature maps [N, C, …positions] or [C, h, w], row-major. Gradients may be lazy: with every position dimension 1 they
 * stand for a constant over the positions of the activations.
 */
export interface FeatureMaps {
  /** Row-major. */
  readonly data: Float32Array;
  /** [C, h, w] or [N, C, …positions]. */
  readonly dims: readonly number[];
  /** Of volumes [N, C, D, h, w], which are held as [N, C, D·h, w]: D. */
  readonly depth?: number | undefined;
}

/** The features in the CPU's memory: those of a device are copied once. */
export async function inMemory(features: FeatureMaps): Promise<FeatureMaps> {
  return features instanceof DeviceTensor ? { data: await features.read(), dims: features.dims } : features;
}

/** Images × channels × positions, and the height and width of a map of them. */
export interface FeatureShape {
  readonly images: number;
  readonly channels: number;
  readonly positions: number;
  /** Of [D, h, w] positions: D·h. */
  readonly height: number;
  readonly width: number;
}

/** The channels of one image's feature maps [1, C, h, w] as maps [C, h, w]. */
export function channelMaps({ data, dims }: FeatureMaps): Maps {
  const [, channels, height, width] = dims as [number, number, number, number];
  return { data, dims: [channels, height, width] };
}

/** The checked shape of feature maps of rank 3 ([C, h, w]) or more ([N, C, …]). */
export function featureShape(features: FeatureMaps, name: string): FeatureShape {
  if (typeof features !== 'object' || features === null || !Array.isArray(features.dims))
    throw new OnnxCamError('ERR_INPUT_SHAPE', `${name} must be { data: Float32Array, dims }, got ${String(features)}`);
  const { dims } = features;
  // Asking a tensor of a device for its data would copy it; its size is right.
  const data = features instanceof DeviceTensor ? undefined : features.data;
  if (data !== undefined && !isFloat32Array(data)) {
    throw new OnnxCamError('ERR_INPUT_SHAPE', `${name}.data must be a Float32Array, got ${typeof data}`);
  }
  if (dims.length < 3 || !dims.every(dim => Number.isSafeInteger(dim) && dim > 0)) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `${name} must have dims [C, h, w] or [N, C, h, w], all positive, got [${dims.join(', ')}]`,
    );
  }
  if (data) checkCount(data, elementCount(dims), name, dims);
  const [images, channels, ...positions] = (dims.length === 3 ? [1, ...dims] : dims) as [number, number, ...number[]];
  const width = positions.at(-1)!;
  const count = elementCount(positions);
  return { images, channels, positions: count, height: count / width, width };
}

/** Activations and what multiplies them, brought to one shape. */
export interface FeaturePair {
  /** The result's: the larger N of both, the activations' positions. */
  readonly shape: FeatureShape;
  readonly activationImages: number;
  readonly factorImages: number;
  /** The factors have one value per channel. */
  readonly lazy: boolean;
}

export function featurePair(activations: FeatureMaps, gradients: FeatureMaps): FeaturePair {
  const a = featureShape(activations, 'activations');
  const g = featureShape(gradients, 'gradients');
  const lazy = g.positions === 1;
  if (a.channels !== g.channels || (!lazy && (a.height !== g.height || a.width !== g.width))) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `gradients must have the activations' channels, and their positions or a single one; got [${gradients.dims.join(', ')}] ` +
        `for activations [${activations.dims.join(', ')}]`,
    );
  }
  return {
    shape: { ...a, images: batchOf(a.images, g.images, 'gradients') },
    activationImages: a.images,
    factorImages: g.images,
    lazy,
  };
}

/** Activations and channel weights [N·C] (or [C]) as lazy factors. */
export function weightedPair(activations: FeatureMaps, weights: Float32Array): FeaturePair {
  const a = featureShape(activations, 'activations');
  if (!isFloat32Array(weights) || weights.length === 0 || weights.length % a.channels !== 0) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `weights must be a Float32Array of N × ${a.channels} channel weights, got ${describe(weights)}`,
    );
  }
  const factorImages = weights.length / a.channels;
  return {
    shape: { ...a, images: batchOf(a.images, factorImages, 'weights') },
    activationImages: a.images,
    factorImages,
    lazy: true,
  };
}

/** One image may stand for the whole batch of the other side. */
function batchOf(images: number, others: number, name: string): number {
  if (images === others || others === 1) return images;
  if (images === 1) return others;
  throw new OnnxCamError(
    'ERR_INPUT_SHAPE',
    `${name} are for ${others} images, activations for ${images}; the numbers must be equal, or one of them 1`,
  );
}

export function checkCount(
  data: { readonly length: number },
  count: number,
  name: string,
  dims: readonly number[],
): void {
  if (data.length === count) return;
  const detached = data.length === 0 ? '; was its buffer transferred to another thread?' : '';
  throw new OnnxCamError(
    'ERR_INPUT_SHAPE',
    `${name} has dims [${dims.join(', ')}], which call for ${count} elements, got ${data.length}${detached}`,
  );
}

function describe(value: unknown): string {
  return ArrayBuffer.isView(value) && 'length' in value ? `${className(value)} of ${value.length}` : typeof value;
}
