const WINDOW = 7;
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

/**
 * Structural similarity of two maps: uniform windows of 7 × 7 (of smaller maps the largest odd size that fits), sample covariance,
 * K1 = 0.01, K2 = 0.03, the range that of both maps together; the mean over the windows that lie inside. null where a window has
 * one pixel, or both maps are equal everywhere.
 * @param a [height, width]
 */
export function ssim(a: Float32Array, b: Float32Array, width: number, height: number): number | null {
  const side = oddBelow(Math.min(width, height));
  return similarity(a, b, width, height, side, side);
}

/** The same over the values in a line, with windows of 7. */
export function ssimOfLine(a: Float32Array, b: Float32Array): number | null {
  return similarity(a, b, a.length, 1, oddBelow(a.length), 1);
}

function oddBelow(size: number): number {
  return size >= WINDOW ? WINDOW : size - 1 + (size % 2);
}

function similarity(
  a: Float32Array,
  b: Float32Array,
  width: number,
  height: number,
  windowWidth: number,
  windowHeight: number,
): number | null {
  const n = windowWidth * windowHeight;
  const [min, max] = rangeOf(a, b);
  const range = max - min;
  if (n < 2 || range === 0) return null;
  const columns = width - windowWidth + 1;
  const rows = height - windowHeight + 1;
  const offset = min / range;
  /** Sums over a window's height at each column: of u, v, u², v² and u v. */
  const sums = Array.from({ length: 5 }, () => new Float64Array(width)) as Sums;
  let sum = 0;
  for (let y = 0; y < rows; y++) {
    sumColumns(sums, a, b, { min, range, width, first: y, count: windowHeight });
    const [us, vs, uus, vvs, uvs] = sums;
    for (let x = 0; x < columns; x++) {
      let u = 0;
      let v = 0;
      let uu = 0;
      let vv = 0;
      let uv = 0;
      for (let i = x; i < x + windowWidth; i++) {
        u += us[i]!;
        v += vs[i]!;
        uu += uus[i]!;
        vv += vvs[i]!;
        uv += uvs[i]!;
      }
      const varianceU = (uu - (u * u) / n) / (n - 1);
      const varianceV = (vv - (v * v) / n) / (n - 1);
      const covariance = (uv - (u * v) / n) / (n - 1);
      const meanU = u / n + offset;
      const meanV = v / n + offset;
      sum +=
        ((2 * meanU * meanV + C1) * (2 * covariance + C2)) /
        ((meanU * meanU + meanV * meanV + C1) * (varianceU + varianceV + C2));
    }
  }
  return sum / (columns * rows);
}

type Sums = [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];

/** Values are taken from 0 to 1, so that sums lose no digits to an offset. */
function sumColumns(
  [us, vs, uus, vvs, uvs]: Sums,
  a: Float32Array,
  b: Float32Array,
  of: {
    readonly min: number;
    readonly range: number;
    readonly width: number;
    readonly first: number;
    readonly count: number;
  },
): void {
  const { min, range, width, first, count } = of;
  for (const values of [us, vs, uus, vvs, uvs]) values.fill(0);
  for (let y = first; y < first + count; y++)
    for (let x = 0; x < width; x++) {
      const u = (a[y * width + x]! - min) / range;
      const v = (b[y * width + x]! - min) / range;
      us[x]! += u;
      vs[x]! += v;
      uus[x]! += u * u;
      vvs[x]! += v * v;
      uvs[x]! += u * v;
    }
}

function rangeOf(a: Float32Array, b: Float32Array): [min: number, max: number] {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const values of [a, b])
    for (const value of values) {
      if (value < min) min = value;
      if (value > max) max = value;
    }
  return [min, max];
}
