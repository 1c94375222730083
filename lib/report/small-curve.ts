import { toBase64 } from './base64.ts';
import { toHalf } from './half.ts';
import type { SmallCurve } from './payload.ts';

/** Points that a small chart tells apart. */
const MOST_POINTS = 33;

/** A curve as a page holds it: evenly picked points where it has many, the first and the last among them. */
export function smallCurve(curve: { readonly x: readonly number[]; readonly y: readonly number[] }): SmallCurve {
  const { length } = curve.x;
  const count = Math.min(length, MOST_POINTS);
  const places = Array.from({ length: count }, (_, i) => Math.round((i * (length - 1)) / Math.max(1, count - 1)));
  const text = (values: readonly number[]) => toBase64(toHalf(places.map(place => values[place]!)));
  return { x: text(curve.x), y: text(curve.y) };
}
