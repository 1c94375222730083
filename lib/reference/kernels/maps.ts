import type { Maps, NormalizeOptions, ResizeOptions } from '../../kernels/types.ts';
import { NORMALIZE_EPSILONS } from '../../kernels/types.ts';

/** Twin of native/kernels/map/normalize.cpp. */
export function normalize({ data, dims }: Maps, { kind, epsilon, relu = false }: NormalizeOptions): Maps {
  const positions = dims[1] * dims[2];
  const result = new Float32Array(data.length);
  for (let first = 0; first < data.length; first += positions) {
    let low = Infinity;
    let high = -Infinity;
    let nan = false;
    for (let i = first; i < first + positions; i++) {
      const value = relu && data[i]! < 0 ? 0 : data[i]!;
      if (value < low) low = value;
      if (value > high) high = value;
      if (Number.isNaN(value)) nan = true;
    }
    if (low === high && !nan) continue;
    const divisor = nan ? Number.NaN : high - low + (epsilon ?? NORMALIZE_EPSILONS[kind]);
    for (let i = first; i < first + positions; i++) {
      result[i] = ((relu && data[i]! < 0 ? 0 : data[i]!) - low) / divisor;
    }
  }
  return { data: result, dims };
}

interface Taps {
  readonly at: readonly number[];
  readonly weights: readonly number[];
}

/** Twin of native/kernels/map/resize.cpp. */
export function resize({ data, dims }: Maps, { width, height, interpolation }: ResizeOptions): Maps {
  const [count, fromHeight, fromWidth] = dims;
  const columns = tapsFor(fromWidth, width, interpolation);
  const rows = tapsFor(fromHeight, height, interpolation);
  const result = new Float32Array(count * height * width);
  const stretched = new Float32Array(fromHeight * width);
  for (let n = 0; n < count; n++) {
    const first = n * fromHeight * fromWidth;
    for (let y = 0; y < fromHeight; y++) {
      for (let x = 0; x < width; x++) {
        const { at, weights } = columns[x]!;
        let sum = 0;
        for (let j = 0; j < at.length; j++) sum += weights[j]! * data[first + y * fromWidth + at[j]!]!;
        stretched[y * width + x] = sum;
      }
    }
    for (let y = 0; y < height; y++) {
      const { at, weights } = rows[y]!;
      const out = (n * height + y) * width;
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let j = 0; j < at.length; j++) sum += weights[j]! * stretched[at[j]! * width + x]!;
        result[out + x] = sum;
      }
    }
  }
  return { data: result, dims: [count, height, width] };
}

function tapsFor(from: number, to: number, interpolation: ResizeOptions['interpolation']): Taps[] {
  const inside = (at: number) => Math.min(Math.max(at, 0), from - 1);
  return Array.from({ length: to }, (_, i) => {
    if (from === to) return { at: [i], weights: [1] };
    if (interpolation === 'nearest') return { at: [inside(Math.floor(((i + 0.5) * from) / to))], weights: [1] };
    const halfPixel = ((i + 0.5) * from) / to - 0.5;
    if (interpolation === 'bicubic') {
      const base = Math.floor(halfPixel);
      return { at: [-1, 0, 1, 2].map(j => inside(base + j)), weights: cubicWeights(halfPixel - base) };
    }
    const corners = to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    const source = inside(interpolation === 'align-corners' ? corners : halfPixel);
    const low = Math.floor(source);
    return { at: [low, inside(low + 1)], weights: [1 - (source - low), source - low] };
  });
}

/** Keys' kernel with a = −0.75 at distances 1 + t, t, 1 − t, 2 − t. */
function cubicWeights(t: number): number[] {
  const a = -0.75;
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}

/** Twin of `meanAtSize` in native/kernels/map/resize.cpp. */
export function meanAtSize(
  stacks: readonly Maps[],
  { width, height }: { readonly width: number; readonly height: number },
): Maps {
  const each = stacks.map(stack => resize(stack, { width, height, interpolation: 'bilinear' }));
  const data = each[0]!.data.map((_, i) => each.reduce((sum, one) => sum + one.data[i]!, 0) / each.length);
  return { data, dims: each[0]!.dims };
}
