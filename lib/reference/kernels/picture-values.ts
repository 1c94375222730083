import type { PictureShape } from '../../kernels/picture-values.ts';

/** Twins of native/kernels/picture/picture_values.cpp: every value on its own. */
export function multiplyByMap(image: Float32Array, shape: PictureShape, map: Float32Array): Float32Array {
  const { channels, channelsLast } = shape;
  const positions = image.length / channels;
  return image.map((value, i) => value * map[channelsLast ? Math.floor(i / channels) : i % positions]!);
}

export function blurPicture(
  image: Float32Array,
  shape: PictureShape,
  kernel: Float64Array,
  border: 'zero' | 'reflect',
): Float32Array {
  const { channels, height, width } = shape;
  const radius = (kernel.length - 1) / 2;
  const at = placeOf(shape);
  const blurred = new Float32Array(image.length);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (const [j, wy] of kernel.entries())
          for (const [i, wx] of kernel.entries()) {
            const [row, column] = [sampleAt(y + j - radius, height, border), sampleAt(x + i - radius, width, border)];
            if (row !== undefined && column !== undefined) sum += wy * wx * image[at(c, row, column)]!;
          }
        blurred[at(c, y, x)] = sum;
      }
  return blurred;
}

/** Where a value lies in the data. */
export function placeOf({ channels, height, width, channelsLast }: PictureShape) {
  return (c: number, y: number, x: number): number =>
    channelsLast ? (y * width + x) * channels + c : (c * height + y) * width + x;
}

/** The sample that stands for position `i`: itself, nothing, or one mirrored into [0, count) about the border samples. */
function sampleAt(i: number, count: number, border: 'zero' | 'reflect'): number | undefined {
  if (i >= 0 && i < count) return i;
  if (border === 'zero') return undefined;
  if (count === 1) return 0;
  const period = 2 * (count - 1);
  const within = ((i % period) + period) % period;
  return within < count ? within : period - within;
}
