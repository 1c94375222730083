import type { SmallMap } from '../../lib/report/payload.ts';
import { placeMap } from '../../web/draw/place-map.ts';

/** What a page makes of a small map, at the picture's size. */
export const enlarged = (map: SmallMap, width: number, height: number): Float32Array =>
  placeMap(map, width, height).data;

/** The largest difference. */
export function largest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
