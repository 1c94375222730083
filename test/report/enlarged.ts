import { placeMaps } from '../../lib/reference/kernels/place-maps.ts';
import { fromHalf } from '../../lib/report/half.ts';
import type { SmallMap } from '../../lib/report/payload.ts';

/** A small map's values. */
export function valuesOf({ type, data }: Pick<SmallMap, 'type' | 'data'>): Float32Array {
  const bytes = Buffer.from(data, 'base64');
  if (type === 'uint8') return Float32Array.from(bytes, value => value / 255);
  return fromHalf(new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)));
}

/** What a page makes of a small map, at the picture's size. */
export function enlarged(map: SmallMap, width: number, height: number): Float32Array {
  const [left, top, right, bottom] = map.shown;
  const first = (edge: number, length: number) => Math.min(length, Math.max(0, Math.ceil(edge * length - 0.5)));
  const axis = (along: SmallMap['x'], length: number, from: number, to: number) => ({
    scale: along.scale / length,
    offset: along.offset,
    length,
    begin: first(from, length),
    end: first(to, length),
  });
  const maps = { data: valuesOf(map), dims: [1, map.height, map.width] as [number, number, number] };
  return placeMaps(maps, axis(map.x, width, left, right), axis(map.y, height, top, bottom)).data;
}

/** The largest difference. */
export function largest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
