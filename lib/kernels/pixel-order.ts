/**
 * Pixel numbers of a map from its largest value to its smallest; equal ones (−0 and 0 are equal) in ascending order. Values
 * are finite.
 */
export async function orderPixels(map: Float32Array): Promise<Uint32Array> {
  const order = Uint32Array.from(map, (_, i) => i);
  return order.sort((a, b) => map[b]! - map[a]! || a - b);
}
