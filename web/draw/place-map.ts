import type { AxisPlacement } from '../../lib/kernels/types.ts';
import { placeMaps } from '../../lib/reference/kernels/place-maps.ts';
import { fromHalf } from '../../lib/report/half.ts';
import type { SmallMap } from '../../lib/report/payload.ts';
import type { MapPlane } from '../../lib/result/boxes.ts';
import { fromBase64 } from './base64.ts';

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
  const bytes = fromBase64(data);
  return type === 'float16' ? fromHalf(new Uint16Array(bytes.buffer)) : Float32Array.from(bytes, value => value / 255);
}

function axis({ scale, offset }: SmallMap['x'], length: number, from: number, to: number): AxisPlacement {
  // A pixel is shown where its centre is (lib/image/geometry.ts).
  const first = (edge: number) => Math.min(length, Math.max(0, Math.ceil(edge * length - 0.5)));
  return { scale: scale / length, offset, length, begin: first(from), end: first(to) };
}
