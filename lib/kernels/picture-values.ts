import { addon } from '../engine/addon.ts';
import { withSignal } from '../engine/cancellation.ts';
import type { CancellationHandle } from '../engine/native-engine.ts';
import { type Answer, steady } from './native-kernels.ts';

/** One input as the network gets it: [C, H, W], or with `channelsLast` [H, W, C]. */
export interface PictureShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly channelsLast: boolean;
}

/** The pixel, y · W + x, that a value of the input belongs to. */
export function pixelOf({ channels, height, width, channelsLast }: PictureShape, value: number): number {
  return channelsLast ? Math.floor(value / channels) : value % (height * width);
}

/** A picture's part of an argument list. */
export type PictureArguments = readonly [
  image: Float32Array,
  channels: number,
  height: number,
  width: number,
  channelsLast: boolean,
];

interface PictureKernels {
  multiplyByMap(...rest: [...PictureArguments, map: Float32Array]): Answer<Float32Array>;
  blurPicture(
    ...rest: [...PictureArguments, kernel: Float64Array, border: string, cancellation?: CancellationHandle]
  ): Answer<Float32Array>;
}

export function pictureArguments(image: Float32Array, shape: PictureShape): PictureArguments {
  const { channels, height, width, channelsLast } = shape;
  return [steady(image), channels, height, width, channelsLast];
}

/**
 * x ⊙ S: every channel times the map [H, W]. Image and map must not change until the promise settles.
 * @throws `ERR_INPUT_SHAPE` when their sizes do not fit the shape
 */
export async function multiplyByMap(
  image: Float32Array,
  shape: PictureShape,
  map: Float32Array,
): Promise<Float32Array> {
  return addon<PictureKernels>().multiplyByMap(...pictureArguments(image, shape), steady(map));
}

/**
 * Each channel blurred by the same kernel in both directions; beyond the border there is nothing, or the picture mirrored at
 * its last pixel. The image must not change until the promise settles.
 * @param kernel of an odd length
 * @throws `ERR_INPUT_SHAPE` for an image of another size, `ERR_OPTION_INVALID` for a kernel without a middle, `ERR_ABORTED`
 */
export async function blurPicture(
  image: Float32Array,
  shape: PictureShape,
  kernel: Float64Array,
  border: 'zero' | 'reflect',
  signal?: AbortSignal,
): Promise<Float32Array> {
  return withSignal(signal, cancellation =>
    addon<PictureKernels>().blurPicture(...pictureArguments(image, shape), kernel, border, cancellation),
  );
}
