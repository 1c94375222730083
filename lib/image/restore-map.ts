import { placeMaps } from '../kernels/place-maps.ts';
import type { AxisPlacement, Maps } from '../kernels/types.ts';
import { type Affine, type Placement, pictureToInput, shownPixels } from './geometry.ts';

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
  const { picture, input } = placement;
  const shown = shownPixels(placement);
  const { x, y } = pictureToInput(placement);
  return {
    x: axis(x, width / input.width, picture.width, shown.x, shown.width),
    y: axis(y, height / input.height, picture.height, shown.y, shown.height),
  };
}

/** `perInput`: map samples per pixel of the input. */
function axis(
  { scale, offset }: Affine,
  perInput: number,
  length: number,
  begin: number,
  count: number,
): AxisPlacement {
  return { length, scale: scale * perInput, offset: offset * perInput, begin, end: begin + count };
}
