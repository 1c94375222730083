import { invalid, isRecord } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import type { Placement, Size } from './geometry.ts';

/**
 * What a map is as large as: the picture (default), the picture with at most so many pixels on its longer side, a width
 * and height over the whole picture, or the model's input or the explained layer, where it lies over what the model saw.
 */
export type MapSize =
  | 'picture'
  | 'input'
  | 'layer'
  | { readonly max: number }
  | readonly [width: number, height: number];

const NAMES = ['picture', 'input', 'layer'];
const LONGEST_SIDE = 2 ** 16;

/** @throws `ERR_OPTION_INVALID` */
export function checkMapSize(value: unknown): void {
  const isSide = (side: unknown) => Number.isInteger(side) && (side as number) >= 1 && (side as number) <= LONGEST_SIDE;
  if (value === undefined || NAMES.includes(value as string)) return;
  if (Array.isArray(value) && value.length === 2 && value.every(isSide)) return;
  if (isRecord(value) && Object.keys(value).join() === 'max' && isSide(value.max)) return;
  throw invalid(
    `\`mapSize\` is 'picture', 'input', 'layer', { max: 1024 } or [width, height] of 1 to ${LONGEST_SIDE} pixels, not ${shown(value)}`,
  );
}

/** The map lies over what the model saw, not over the whole picture. */
export function isOverInput(mapSize: MapSize): mapSize is 'input' | 'layer' {
  return mapSize === 'input' || mapSize === 'layer';
}

/** How large the picture is drawn under the map; one that lies over the input is drawn over the whole picture. */
export function shownSize(mapSize: MapSize, picture: Size): Size {
  if (typeof mapSize === 'string') return picture;
  if (!('max' in mapSize)) return { width: mapSize[0], height: mapSize[1] };
  return fittingInto(picture, mapSize.max);
}

/** A picture's size with at most so many pixels on its longer side. */
export function fittingInto({ width, height }: Size, longest: number): Size {
  const scale = longest / Math.max(width, height);
  if (scale >= 1) return { width, height };
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return { width: side(width), height: side(height) };
}

/** Where a picture of another size than its own lies in the input. */
export function placementOf(placement: Placement, picture: Size): Placement {
  return { ...placement, picture };
}
