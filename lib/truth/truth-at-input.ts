import { inputToPicture, mappedRect, type Placement, pictureToInput, type Size } from '../image/geometry.ts';
import type { TruthAtInput } from '../metrics/truth-at-input.ts';
import { extentsOf, findComponents } from '../result/components.ts';
import type { Box } from '../targets/detection.ts';
import { invalidTruth } from './error.ts';
import { fillBox } from './marked-picture.ts';
import type { Truth, TruthMask } from './truth.ts';

/**
 * The truth as the model's input shows it: a mask by nearest neighbour, 0 where the input shows nothing of the picture; edges of boxes
 * rounded outwards and clipped to what is shown. Without a mask it is filled from the boxes, without boxes they lie around its parts.
 * @param from names the truth in errors
 * @throws `ERR_TRUTH_INVALID` for a mask that has neither the picture's size nor the input's
 */
export function truthAtInput(truth: Truth, placement: Placement, from: string): TruthAtInput {
  const { input } = placement;
  const mask = truth.mask && maskAtInput(truth.mask, placement, from);
  const given = truth.boxes.flatMap(box => boxAtInput(box, placement));
  const data = mask ?? filled(given, input);
  const boxes = truth.boxes.length > 0 ? given : partsOf(data, input);
  let inside = 0;
  for (const value of data) if (value === 1) inside++;
  return { mask: data, boxes, inside };
}

function maskAtInput(mask: TruthMask, placement: Placement, from: string): Uint8Array {
  const { picture, input, target } = placement;
  if (!isSize(mask, picture)) {
    if (isSize(mask, input)) return mask.data;
    throw invalidTruth(
      from,
      `the mask has ${mask.width}x${mask.height} pixels, the upright picture ${picture.width}x${picture.height}` +
        (isSize(mask, { width: picture.height, height: picture.width })
          ? '; turn the mask as the picture is turned'
          : ''),
    );
  }
  const { x, y } = inputToPicture(placement);
  const data = new Uint8Array(input.width * input.height);
  const columns = Int32Array.from({ length: input.width }, (_, i) =>
    i < target.x || i >= target.x + target.width ? -1 : nearest((i + 0.5) * x.scale + x.offset, picture.width),
  );
  for (let row = target.y; row < target.y + target.height; row++) {
    const source = nearest((row + 0.5) * y.scale + y.offset, picture.height) * mask.width;
    for (let i = 0; i < input.width; i++)
      if (columns[i]! >= 0) data[row * input.width + i] = mask.data[source + columns[i]!]!;
  }
  return data;
}

function nearest(coordinate: number, length: number): number {
  return Math.min(length - 1, Math.max(0, Math.floor(coordinate)));
}

function isSize(mask: Size, size: Size): boolean {
  return mask.width === size.width && mask.height === size.height;
}

/** Nothing where it lies outside of what the input shows. */
function boxAtInput([x, y, width, height]: Box, placement: Placement): Box[] {
  const { target } = placement;
  const rect = mappedRect({ x, y, width, height }, pictureToInput(placement));
  const left = Math.max(target.x, Math.floor(tidy(rect.x)));
  const top = Math.max(target.y, Math.floor(tidy(rect.y)));
  const right = Math.min(target.x + target.width, Math.ceil(tidy(rect.x + rect.width)));
  const bottom = Math.min(target.y + target.height, Math.ceil(tidy(rect.y + rect.height)));
  return right > left && bottom > top ? [[left, top, right - left, bottom - top]] : [];
}

/** An edge on a pixel's border stays there, whatever rounding did on its way. */
function tidy(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) < 1e-9 * Math.max(1, Math.abs(whole)) ? whole : value;
}

function filled(boxes: readonly Box[], { width, height }: Size): Uint8Array {
  const mask = { data: new Uint8Array(width * height), width, height };
  for (const box of boxes) fillBox(mask, box, 1);
  return mask.data;
}

/** Boxes around the parts of a mask, neighbours across corners belonging together; in the order of their first pixels. */
function partsOf(mask: Uint8Array, { width, height }: Size): Box[] {
  const parts = extentsOf(findComponents(mask, width, height, 8));
  return parts.map(({ x0, y0, x1, y1 }): Box => [x0, y0, x1 - x0 + 1, y1 - y0 + 1]);
}
