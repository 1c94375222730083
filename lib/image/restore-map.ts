import { placeMaps } from '../kernels/place-maps.ts';
import type { AxisPlacement, Maps } from '../kernels/types.ts';
import { type Placement, shownPixels } from './geometry.ts';
import { gridOverInput } from './map-grid.ts';

/**
 * Maps [N, h, w] of any resolution that lie over the model's input, as maps [N, H, W] over the original picture: bilinear
 * (half-pixel), sampled once, straight at the picture's pixels. Squeezing is undone, the margins of a letterbox are cut
 * away, and pixels outside the crop are 0.
 */
export function restoreMaps(maps: Maps, placement: Placement): Promise<Maps> {
  const { x, y } = gridOver(maps.dims[1], maps.dims[2], placement);
  return placeMaps(maps, x, y);
}

/** How the original picture's pixels lie over maps [h, w] of the model's input. */
function gridOver(
  height: number,
  width: number,
  placement: Placement,
): { readonly x: AxisPlacement; readonly y: AxisPlacement } {
  const shown = shownPixels(placement);
  const { picture, x, y } = gridOverInput({ width, height }, placement);
  return {
    x: { ...x, length: picture.width, begin: shown.x, end: shown.x + shown.width },
    y: { ...y, length: picture.height, begin: shown.y, end: shown.y + shown.height },
  };
}
