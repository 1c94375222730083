import { addon } from '../engine/addon.ts';
import { type Answer, steady } from './native-kernels.ts';

/** A plane of a tensor: pixel (y, x) of channel c lies at start + y·row + x·column + c·channel. */
export interface TensorPlane {
  readonly height: number;
  readonly width: number;
  readonly start: number;
  readonly row: number;
  readonly column: number;
  /** 0: the same channel for red, green and blue. */
  readonly channel: number;
}

interface PictureKernels {
  tensorPicture(
    tensor: Float32Array,
    count: number,
    start: number,
    row: number,
    column: number,
    channel: number,
    height: number,
    width: number,
  ): Answer<Uint8Array>;
}

/** RGB bytes [h, w, 3] of a plane, stretched by the finite range of the whole tensor. @throws `ERR_INPUT_SHAPE` */
export async function planePicture(tensor: Float32Array, plane: TensorPlane): Promise<Uint8Array> {
  const { start, row, column, channel, height, width } = plane;
  const steps = [start, row, column, channel] as const;
  return addon<PictureKernels>().tensorPicture(steady(tensor), tensor.length, ...steps, height, width);
}
