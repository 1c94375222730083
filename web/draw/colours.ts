import { COLORMAPS, type ColormapName, colormapTable } from '../../lib/image/colormap.ts';
import { overlay } from '../../lib/reference/kernels/pixels.ts';
import type { MapPlane } from '../../lib/result/boxes.ts';
import type { Pixels } from './pictures.ts';

export { COLORMAPS };

/** A map in colour over its picture, by the plain twin of the library's kernel; opaque. */
export function coloured({ data, width, height }: Pixels, map: MapPlane, colormap: string, alpha: number): Pixels {
  const picture = new Uint8Array(3 * width * height);
  for (let i = 0, from = 0; i < picture.length; i += 3, from += 4) {
    picture[i] = data[from]!;
    picture[i + 1] = data[from + 1]!;
    picture[i + 2] = data[from + 2]!;
  }
  // An address can name what there is not.
  const table = colormapTable(COLORMAPS.includes(colormap as ColormapName) ? colormap : 'jet');
  const drawn = overlay(
    { data: picture, info: { width, height, channels: 3 } },
    map,
    table,
    Math.min(1, Math.max(0, alpha)),
  );
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
  for (let i = 0; i < inside.length; i++) {
    if (inside[i]) continue;
    const [r, g, b] = dimmed.data.subarray(4 * i, 4 * i + 3) as unknown as [number, number, number];
    dimmed.data.fill((0.299 * r + 0.587 * g + 0.114 * b) / 4, 4 * i, 4 * i + 3);
  }
  return dimmed;
}
