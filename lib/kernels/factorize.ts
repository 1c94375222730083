import { OnnxCamError } from '../common/errors.ts';
import { withSignal } from '../engine/cancellation.ts';
import { type FeatureMaps, featureShape, inMemory } from './features.ts';
import { nativeKernels, steady } from './native-kernels.ts';
import { given } from './options.ts';
import { normalMagnitudes } from './random.ts';

/** Options of `factorize`. */
export interface FactorizeOptions {
  /** Number of concepts. */
  readonly components: number;
  /** Subtract each channel's minimum first; otherwise negative activations count as zero. */
  readonly shift: boolean;
  /** Of the start; equal seeds give equal factors. */
  readonly seed: number;
  /** Ends the call with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** V ≈ Σ_t concept_t ⊗ map_t, both non-negative; concepts have length 1, and the strongest (norm of its map) comes first. */
export interface Factors {
  /** How much of each concept a position has, [N, n, h, w]. */
  readonly maps: FeatureMaps;
  /** [N · n · C]. */
  readonly concepts: Float32Array;
  /** What was subtracted from the channels, [N · C]. */
  readonly offsets: Float32Array;
}

/**
 * Non-negative factors of each image's positions, by coordinate descent from a seeded start. Zeros where nothing is left to
 * explain; all NaN where anything in an image is not finite.
 * @throws `ERR_INPUT_SHAPE`, `ERR_OPTION_INVALID`, `ERR_OUT_OF_MEMORY`, `ERR_ABORTED`
 */
export async function factorize(activations: FeatureMaps, options: FactorizeOptions): Promise<Factors> {
  const { images, channels, positions, height, width } = featureShape(activations, 'activations');
  const { components, shift, signal } = given(options, 'factorize');
  const start = await normalMagnitudes(options.seed, startSize(channels, positions, options));
  const { data: values } = await inMemory(activations);
  const args = [shift, components, start, steady(values), images, channels, positions] as const;
  const data = await withSignal(signal, cancellation => nativeKernels().factorize(...args, cancellation));
  return splitFactors(data, [images, components, height, width], channels);
}

/**
 * How many numbers |N(0, 1)| a start is made of: the maps [n, P], then the concepts [C, n].
 * @throws `ERR_OPTION_INVALID`
 */
export function startSize(
  channels: number,
  positions: number,
  { components }: Pick<FactorizeOptions, 'components'>,
): number {
  if (!Number.isSafeInteger(components) || components < 1)
    throw new OnnxCamError('ERR_OPTION_INVALID', `components must be a whole number from 1, got ${components}`);
  return components * (channels + positions);
}

/** The parts of what the kernel gives. */
export function splitFactors(
  data: Float32Array,
  dims: readonly [images: number, components: number, height: number, width: number],
  channels: number,
): Factors {
  const [images, components, height, width] = dims;
  const sizes = [components * height * width, components * channels, channels] as const;
  const parts = sizes.map(size => new Float32Array(images * size));
  let offset = 0;
  for (let n = 0; n < images; n++)
    for (const [part, size] of sizes.entries()) {
      parts[part]!.set(data.subarray(offset, offset + size), n * size);
      offset += size;
    }
  const [maps, concepts, offsets] = parts as [Float32Array, Float32Array, Float32Array];
  return { maps: { data: maps, dims }, concepts, offsets };
}
