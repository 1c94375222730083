/** Plain twins of the picture kernels: the formulas of their C++ heads, for tests and benchmarks. */
import type { Maps } from './maps.ts';
import type { AxisPlacement } from './place-maps.ts';
import type { ResizeAntialiasedOptions, RgbPixels } from './resize-antialiased.ts';

/** Twin of native/kernels/resize_antialiased.cpp. */
export function resizeAntialiased(picture: RgbPixels, options: ResizeAntialiasedOptions): RgbPixels {
  const { width, height, interpolation } = options;
  const window = options.window ?? { x: 0, y: 0, width, height };
  const columns = pictureTaps(picture.width, width, window.x, window.width, interpolation);
  const rows = pictureTaps(picture.height, height, window.y, window.height, interpolation);
  const narrow = new Uint8Array(picture.height * window.width * 3);
  const data = new Uint8Array(window.height * window.width * 3);
  const blend = (source: Uint8Array, start: number, step: number, { first, weights }: PictureTaps) => {
    let sum = 2 ** (PRECISION - 1);
    weights.forEach((weight, j) => {
      sum += weight * source[start + (first + j) * step]!;
    });
    return Math.min(255, Math.max(0, Math.floor(sum / 2 ** PRECISION)));
  };
  for (let y = 0; y < picture.height; y++) {
    for (let i = 0; i < window.width * 3; i++) {
      narrow[y * window.width * 3 + i] = blend(
        picture.data,
        y * picture.width * 3 + (i % 3),
        3,
        columns[Math.floor(i / 3)]!,
      );
    }
  }
  for (let y = 0; y < window.height; y++) {
    for (let i = 0; i < window.width * 3; i++) {
      data[y * window.width * 3 + i] = blend(narrow, i, window.width * 3, rows[y]!);
    }
  }
  return { data, width: window.width, height: window.height };
}

/** Bits of the fixed-point weights, as in Pillow. */
const PRECISION = 22;

interface PictureTaps {
  readonly first: number;
  readonly weights: readonly number[];
}

function pictureTaps(
  size: number,
  to: number,
  begin: number,
  length: number,
  interpolation: ResizeAntialiasedOptions['interpolation'],
): PictureTaps[] {
  const scale = size / to;
  const stretch = Math.max(scale, 1);
  const support = (interpolation === 'bicubic' ? 2 : 1) * stretch;
  const kernel = interpolation === 'bicubic' ? keys : (x: number) => Math.max(0, 1 - Math.abs(x));
  return Array.from({ length }, (_, i) => {
    const centre = (begin + i + 0.5) * scale;
    if (size === to) return { first: begin + i, weights: [2 ** PRECISION] };
    if (interpolation === 'nearest') {
      let at = scale * 0.5;
      for (let k = 0; k < begin + i; k++) at += scale;
      return { first: Math.min(size - 1, Math.floor(at)), weights: [2 ** PRECISION] };
    }
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(size, Math.trunc(centre + support + 0.5));
    const weights = Array.from({ length: end - first }, (_, j) => kernel((j + first - centre + 0.5) / stretch));
    const sum = weights.reduce((a, b) => a + b, 0);
    return {
      first,
      weights: weights.map(weight => {
        const fixed = (weight / sum) * 2 ** PRECISION;
        return Math.trunc(fixed + (fixed < 0 ? -0.5 : 0.5));
      }),
    };
  });
}

/** Keys' cubic convolution kernel with a = −½. */
function keys(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

/** Twin of native/kernels/place_maps.cpp. */
export function placeMaps(maps: Maps, x: AxisPlacement, y: AxisPlacement): Maps {
  const [count, height, width] = maps.dims;
  const data = new Float32Array(count * y.length * x.length);
  const tap = (i: number, { scale, offset }: AxisPlacement, size: number) => {
    const at = Math.min(size - 1, Math.max(0, (i + 0.5) * scale + offset - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(size - 1, low + 1), weight: Math.fround(at - low) };
  };
  for (let n = 0; n < count; n++) {
    for (let j = y.begin; j < y.end; j++) {
      const row = tap(j, y, height);
      for (let i = x.begin; i < x.end; i++) {
        const column = tap(i, x, width);
        const at = (r: number, c: number) => maps.data[(n * height + r) * width + c]!;
        const across = (r: number) => (1 - column.weight) * at(r, column.low) + column.weight * at(r, column.high);
        data[(n * y.length + j) * x.length + i] = (1 - row.weight) * across(row.low) + row.weight * across(row.high);
      }
    }
  }
  return { data, dims: [count, y.length, x.length] };
}
