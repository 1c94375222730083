import type { Mapping, WarpShape } from '../../kernels/warp.ts';

/** What a pixel of a warped picture takes from the original: samples inside, with their weights. */
export function samplesAt(
  [xx, xy, x0, yx, yy, y0]: Mapping,
  x: number,
  y: number,
  { height, width }: { readonly height: number; readonly width: number },
): { readonly x: number; readonly y: number; readonly weight: number }[] {
  const [u, v] = [xx * x + (xy * y + x0), yx * x + (yy * y + y0)];
  const [left, top] = [Math.floor(u), Math.floor(v)];
  return [0, 1, 2, 3]
    .map(i => ({
      x: left + (i % 2),
      y: top + (i >> 1),
      weight: (i % 2 ? u - left : 1 - (u - left)) * (i >> 1 ? v - top : 1 - (v - top)),
    }))
    .filter(sample => sample.x >= 0 && sample.x < width && sample.y >= 0 && sample.y < height && sample.weight !== 0);
}

/** Plain twin of native/kernels/picture/warp.cpp; a sample of weight 0 counts for nothing here, even NaN. */
export function warp(
  images: Float32Array,
  shape: WarpShape,
  mappings: readonly Mapping[],
  { fill }: { readonly fill?: Float32Array } = {},
): Float32Array {
  const { planes, height, width, inner = 1 } = shape;
  const size = planes * height * width * inner;
  const shared = images.length === size;
  const out = new Float32Array(mappings.length * size);
  for (const [n, mapping] of mappings.entries()) {
    for (let pixel = 0; pixel < height * width; pixel++) {
      const samples = samplesAt(mapping, pixel % width, Math.floor(pixel / width), shape);
      const seen = samples.reduce((sum, { weight }) => sum + weight, 0);
      for (let c = 0; c < planes * inner; c++) {
        const plane = Math.floor(c / inner) * height * width * inner + (c % inner);
        const sum = samples.reduce(
          (total, { x, y, weight }) =>
            total + weight * images[(shared ? 0 : n * size) + plane + (y * width + x) * inner]!,
          0,
        );
        out[n * size + plane + pixel * inner] = sum + (fill ? (1 - seen) * fill[c]! : 0);
      }
    }
  }
  return out;
}
