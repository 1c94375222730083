import type { AxisPlacement } from '../../lib/kernels/types.ts';
import { placeMaps } from '../../lib/reference/kernels/place-maps.ts';
import type { SmallMap } from '../../lib/report/payload.ts';
import type { MapPlane } from '../../lib/result/boxes.ts';
import { fromBase64, halvesOf } from './base64.ts';

/** A map over its picture drawn at a size: bilinear, by the plain twin of the library's kernel. */
export function placeMap(map: SmallMap, width: number, height: number): MapPlane {
  const [left, top, right, bottom] = map.shown;
  const { data } = placeMaps(
    { data: valuesOf(map), dims: [1, map.height, map.width] },
    axis(map.x, width, left, right),
    axis(map.y, height, top, bottom),
  );
  return { data, width, height };
}

/** [height, width], in [0, 1]. */
export function valuesOf({ type, data }: SmallMap): Float32Array {
  return type === 'float16' ? halvesOf(data) : Float32Array.from(fromBase64(data), value => value / 255);
}

/** What is left of divisions and multiplications that undo each other. */
const ROUNDING = 1e-9;

function axis({ scale, offset }: SmallMap['x'], length: number, from: number, to: number): AxisPlacement {
  // A pixel is shown where its centre is (lib/image/geometry.ts); where one pixel holds all that is shown, that one.
  const first = (edge: number) => Math.min(length, Math.max(0, Math.ceil(edge * length - 0.5 - ROUNDING)));
  const [begin, end] = [first(from), first(to)];
  const along = { scale: scale / length, offset, length };
  if (end > begin) return { ...along, begin, end };
  const pixel = Math.min(length - 1, Math.max(0, Math.floor(((from + to) / 2) * length)));
  return { ...along, begin: pixel, end: pixel + 1 };
}
