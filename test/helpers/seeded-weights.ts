/**
 * Numbers from a counter and a seed, the same to the last bit as test/golden/weights.py: Wellons' lowbias32 hash of
 * counter * 0x9E3779B1 + seed * 0x85EBCA77 modulo 2^32.
 */
export function hash(seed: number, counter: number): number {
  let x = (Math.imul(counter, 0x9e3779b1) + Math.imul(seed, 0x85ebca77)) | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  x ^= x >>> 16;
  return x >>> 0;
}

/** `count` values uniform on [offset - scale, offset + scale), rounded once from float64 to float32. */
export function uniform(seed: number, count: number, scale = 1, offset = 0): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = ((hash(seed, i) >>> 8) / 2 ** 23 - 1) * scale + offset;
  return out;
}

/** Where golden values sample a tensor of `size` elements; positions may repeat. */
export function samplePositions(size: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => hash(0, i) % size);
}
