/** Shares of pixels below this divide nothing into two. */
const LEAST_SHARE = 1.2e-7;

/** ⌊255 S⌋, computed in float32 as NumPy does; what lies outside [0, 1] is cut off. */
export function toBytes(data: Float32Array): Uint8Array {
  const bytes = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i++) bytes[i] = Math.floor(Math.fround(255 * data[i]!));
  return new Uint8Array(bytes.buffer);
}

/**
 * Otsu's threshold t of 8-bit values as OpenCV finds it: the first that makes q1 q2 (μ1 − μ2)² largest, q1 the share of values up to
 * t, μ1 their mean. Foreground is what lies above it.
 */
export function otsu(bytes: Uint8Array): number {
  const histogram = new Float64Array(256);
  for (let i = 0; i < bytes.length; i++) histogram[bytes[i]!]! += 1 / bytes.length;
  const mean = histogram.reduce((sum, share, value) => sum + share * value, 0);
  let below = 0;
  let weighted = 0;
  let best = 0;
  let threshold = 0;
  for (let t = 0; t < 256; t++) {
    below += histogram[t]!;
    weighted += t * histogram[t]!;
    const above = 1 - below;
    if (Math.min(below, above) < LEAST_SHARE) continue;
    const between = below * above * (weighted / below - (mean - weighted) / above) ** 2;
    if (between > best) {
      best = between;
      threshold = t;
    }
  }
  return threshold;
}
