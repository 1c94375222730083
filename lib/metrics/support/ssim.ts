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
  // From 0 to 1, so that sums lose no digits to an offset; the means get it back.
  const [u, v] = [a, b].map(map => Float64Array.from(map, value => (value - min) / range)) as [
    Float64Array,
    Float64Array,
  ];
  const offset = min / range;
  const product = (x: Float64Array, y: Float64Array) => x.map((value, i) => value * y[i]!);
  const [su, sv, suu, svv, suv] = [u, v, product(u, u), product(v, v), product(u, v)].map(values =>
    windowSums(values, width, height, windowWidth, windowHeight),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  let sum = 0;
  for (let i = 0; i < su.length; i++) {
    const [mu, mv] = [su[i]! / n, sv[i]! / n];
    const varianceU = (suu[i]! - n * mu * mu) / (n - 1);
    const varianceV = (svv[i]! - n * mv * mv) / (n - 1);
    const covariance = (suv[i]! - n * mu * mv) / (n - 1);
    const [meanU, meanV] = [mu + offset, mv + offset];
    sum +=
      ((2 * meanU * meanV + C1) * (2 * covariance + C2)) /
      ((meanU * meanU + meanV * meanV + C1) * (varianceU + varianceV + C2));
  }
  return sum / su.length;
}

/** Sums over every window that lies inside, in row order. */
function windowSums(
  values: Float64Array,
  width: number,
  height: number,
  windowWidth: number,
  windowHeight: number,
): Float64Array {
  const columns = width - windowWidth + 1;
  const rows = height - windowHeight + 1;
  const sums = new Float64Array(columns * rows);
  const line = new Float64Array(columns * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let i = 0; i < windowWidth; i++) sum += values[y * width + x + i]!;
      line[y * columns + x] = sum;
    }
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let i = 0; i < windowHeight; i++) sum += line[(y + i) * columns + x]!;
      sums[y * columns + x] = sum;
    }
  return sums;
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
