import { OnnxCamError } from '../common/errors.ts';
import { shown } from '../common/shown.ts';

/** Which plane of a volume is shown: all pixels with one index along an axis. */
export interface Plane {
  /** Along `axis`, from 0; the middle by default, negative from the end. */
  readonly slice?: number | undefined;
  /** `'depth'` (default; of clips the time), `'height'` or `'width'`. */
  readonly axis?: PlaneAxis | undefined;
}

const AXES = ['depth', 'height', 'width'] as const;
/**
 * Axes of a volume.
 * @useDeclaredType
 */
export type PlaneAxis = (typeof AXES)[number];

/** Where the pixels of a plane are in the memory of a volume [D, H, W]. */
export interface PlanePixels {
  readonly width: number;
  readonly height: number;
  /** Index of the pixel in row y and column x. */
  readonly at: (y: number, x: number) => number;
}

/**
 * The plane's pixels: rows and columns are the other two axes in their order.
 * @throws `ERR_OPTION_INVALID` for an unknown axis or a slice outside the volume
 */
export function planePixels([depth, height, width]: readonly [number, number, number], plane: Plane): PlanePixels {
  const { axis = 'depth' } = plane;
  const position = AXES.indexOf(axis);
  if (position < 0)
    throw new OnnxCamError('ERR_OPTION_INVALID', `axis needs one of ${AXES.join(', ')}, got ${shown(axis)}`);
  const count = [depth, height, width][position]!;
  const given = plane.slice ?? count >> 1;
  const slice = given < 0 ? given + count : given;
  if (!Number.isInteger(slice) || slice < 0 || slice >= count)
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `slice needs a whole number from ${-count} to ${count - 1} along ${axis}, got ${String(plane.slice)}`,
    );
  const area = height * width;
  if (axis === 'depth') return { width, height, at: (y, x) => slice * area + y * width + x };
  if (axis === 'height') return { width, height: depth, at: (y, x) => y * area + slice * width + x };
  return { width: height, height: depth, at: (y, x) => y * area + x * width + slice };
}

/** @throws `ERR_OPTION_INVALID` where a plane is asked of a picture */
export function refusePlane({ slice, axis }: Plane): void {
  if (slice === undefined && axis === undefined) return;
  throw new OnnxCamError('ERR_OPTION_INVALID', 'slice and axis choose a plane of a volume, this map is a picture');
}
