import { planePicture } from '../kernels/tensor-picture.ts';
import type { ImageLayout } from './layout.ts';
import { type Plane, planePixels, refusePlane } from './plane.ts';
import { type RawPicture, rawPicture } from './raw-picture.ts';

/** One image as the network gets it, without the batch axis. */
export interface TensorImage {
  readonly data: Float32Array;
  readonly dims: readonly number[];
  readonly layout: ImageLayout;
}

/**
 * A picture to lay a map over: the whole tensor stretched to 0..255, three channels as red, green and blue, of any other
 * number the first as grey; of volumes and clips one plane.
 * @throws `ERR_OPTION_INVALID` for a plane that isn't there
 */
export async function tensorPicture({ data, dims, layout }: TensorImage, plane: Plane = {}): Promise<RawPicture> {
  const { channels, strides, volume } = geometryOf(dims, layout);
  if (dims.length === 3) refusePlane(plane);
  const { width, height, at } = planePixels(volume, plane);
  const area = volume[1] * volume[2];
  const placeOf = (y: number, x: number): number =>
    Math.floor(at(y, x) / area) * strides.slice + (at(y, x) % area) * strides.pixel;
  const start = placeOf(0, 0);
  const pixels = await planePicture(data, {
    height,
    width,
    start,
    // Axes of one pixel have no next one.
    row: height > 1 ? placeOf(1, 0) - start : 0,
    column: width > 1 ? placeOf(0, 1) - start : 0,
    channel: channels === 3 ? strides.channel : 0,
  });
  return rawPicture(pixels, width, height);
}

/** Lengths and steps in memory; a picture is a volume of one slice. */
function geometryOf(dims: readonly number[], layout: ImageLayout) {
  switch (layout) {
    case 'nhwc': {
      const [height, width, channels] = dims as [number, number, number];
      const strides = { slice: 0, pixel: channels, channel: 1 };
      return { channels, strides, volume: [1, height, width] as const };
    }
    case 'ntchw': {
      const [frames, channels, height, width] = dims as [number, number, number, number];
      const strides = { slice: channels * height * width, pixel: 1, channel: height * width };
      return { channels, strides, volume: [frames, height, width] as const };
    }
    default: {
      const [channels, depth, height, width] = (dims.length === 3 ? [dims[0], 1, ...dims.slice(1)] : dims) as [
        number,
        number,
        number,
        number,
      ];
      const strides = { slice: height * width, pixel: 1, channel: depth * height * width };
      return { channels, strides, volume: [depth, height, width] as const };
    }
  }
}
