import { OnnxCamError } from '../common/errors.ts';
import { addon } from '../engine/addon.ts';
import { withSignal } from '../engine/cancellation.ts';
import type { CancellationHandle } from '../engine/native-engine.ts';
import { type Answer, steady } from './native-kernels.ts';
import { type PictureArguments, type PictureShape, pictureArguments } from './picture-values.ts';

interface ImputeKernel {
  imputePixels(
    ...rest: [
      ...PictureArguments,
      order: Uint32Array,
      ranges: Uint32Array,
      noise: number,
      seed: number,
      cancellation?: CancellationHandle,
    ]
  ): Answer<Float32Array>;
}

export interface ImputeOptions {
  /** Deviation of the normal noise on imputed values; default 0. */
  readonly noise?: number | undefined;
  /** Of 32 bits; default 0. */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One picture for each range: pixels `order[begin … end)` removed and filled by ROAD's linear imputation from those that are
 * left, to 1e-6 of a channel's largest value. Noise depends on the seed and the range's bounds alone. With nothing removed it
 * is the picture; with nothing left it is zeros, which mean nothing (callers say so). Image and order must not change until
 * the promise settles. The results share one buffer.
 * @throws `ERR_INPUT_SHAPE` for an image of another size, a range beyond the order, a pixel beyond the picture;
 *   `ERR_OPTION_INVALID` for noise that isn't finite; `ERR_ABORTED`
 */
export async function imputePixels(
  image: Float32Array,
  shape: PictureShape,
  order: Uint32Array,
  ranges: readonly (readonly [begin: number, end: number])[],
  { noise = 0, seed = 0, signal }: ImputeOptions = {},
): Promise<Float32Array[]> {
  const picture = pictureArguments(image, shape);
  const filled = await withSignal(signal, cancellation =>
    addon<ImputeKernel>().imputePixels(...picture, steady(order), boundsOf(ranges), noise, seed >>> 0, cancellation),
  );
  return ranges.map((_, i) => filled.subarray(i * image.length, (i + 1) * image.length));
}

function boundsOf(ranges: readonly (readonly [number, number])[]): Uint32Array {
  const bounds = ranges.flat();
  const odd = bounds.find(bound => !(Number.isSafeInteger(bound) && bound >= 0));
  if (odd !== undefined) throw new OnnxCamError('ERR_INPUT_SHAPE', `a range of pixels cannot end at ${odd}`);
  return Uint32Array.from(bounds);
}
