/** Twin of native/kernels/map/pixel_order.cpp; the map holds no NaN. */
export function orderPixels(map: Float32Array): Uint32Array {
  return Uint32Array.from([...map.keys()].sort((a, b) => (map[a] === map[b] ? a - b : map[a]! > map[b]! ? -1 : 1)));
}
