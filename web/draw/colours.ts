import { type ColormapName, colormapTable } from '../../lib/image/colormap.ts';
import { overlay } from '../../lib/reference/kernels/pixels.ts';
import type { MapPlane } from '../../lib/result/boxes.ts';
import type { Pixels } from './pictures.ts';

/** A map in colour over its picture, by the plain twin of the library's kernel; opaque. */
export function coloured(
  { data, width, height }: Pixels,
  map: MapPlane,
  colormap: ColormapName,
  alpha: number,
): Pixels {
  const picture = new Uint8Array(3 * width * height);
  for (let i = 0, from = 0; i < picture.length; i += 3, from += 4) {
    picture[i] = data[from]!;
    picture[i + 1] = data[from + 1]!;
    picture[i + 2] = data[from + 2]!;
  }
  const drawn = overlay({ data: picture, info: { width, height, channels: 3 } }, map, colormapTable(colormap), alpha);
  const pixels = new ImageData(width, height);
  for (let i = 0, to = 0; i < drawn.length; i += 3, to += 4) {
    pixels.data[to] = drawn[i]!;
    pixels.data[to + 1] = drawn[i + 1]!;
    pixels.data[to + 2] = drawn[i + 2]!;
    pixels.data[to + 3] = 255;
  }
  return pixels;
}

/** What lies outside, darker and without colours. */
export function dimmedOutside(pixels: Pixels, inside: Uint8Array): Pixels {
  const { width, height } = pixels;
  const dimmed = new ImageData(new Uint8ClampedArray(pixels.data), width, height);
  const { data } = dimmed;
  for (let i = 0, to = 0; i < inside.length; i++, to += 4) {
    if (inside[i]) continue;
    const grey = (0.299 * data[to]! + 0.587 * data[to + 1]! + 0.114 * data[to + 2]!) / 4;
    data[to] = grey;
    data[to + 1] = grey;
    data[to + 2] = grey;
  }
  return dimmed;
}
