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
export function tensorPicture({ data, dims, layout }: TensorImage, plane: Plane = {}): RawPicture {
  const { channels, strides, volume } = geometryOf(dims, layout);
  if (dims.length === 3) refusePlane(plane);
  const { width, height, at } = planePixels(volume, plane);
  const { min, scale } = stretch(data);
  const area = volume[1] * volume[2];
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const voxel = at(y, x);
      const base = Math.floor(voxel / area) * strides.slice + (voxel % area) * strides.pixel;
      for (let rgb = 0; rgb < 3; rgb++) {
        const value = data[base + (channels === 3 ? rgb : 0) * strides.channel]!;
        pixels[(y * width + x) * 3 + rgb] = Math.round((value - min) * scale);
      }
    }
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

function stretch(data: Float32Array): { min: number; scale: number } {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return { min, scale: max > min ? 255 / (max - min) : 0 };
}
