import type { ColormapName } from '../../lib/image/colormap.ts';
import type { ThresholdForm } from '../state/settings.ts';
import { coloured, dimmedOutside } from './colours.ts';
import { type Decided, decide, thresholdOf } from './decide.ts';
import { drawOutlines } from './outlines.ts';
import type { Placed } from './placed.ts';

/** How a map is shown. */
export interface Look {
  readonly heat: boolean;
  /** In 0..1. */
  readonly alpha: number;
  readonly colormap: ColormapName;
  readonly mask: boolean;
  readonly box: boolean;
  readonly contour: boolean;
  readonly threshold: ThresholdForm;
  readonly level: number;
}

/**
 * Draws a photograph with its map on a canvas of its size.
 * @param original the picture's own size, in whose pixels boxes are
 * @param tells whether what lies above the threshold is wanted though it is not drawn
 * @returns what was found at the threshold; null without a map, or where nothing wants it
 */
export async function paint(
  canvas: HTMLCanvasElement,
  { pixels, map, width, height }: Placed,
  look: Look,
  original: { readonly width: number; readonly height: number },
  tells = false,
): Promise<Decided | null> {
  const { heat, alpha, colormap, mask, box, contour, threshold, level } = look;
  const wants = map !== null && (tells || mask || box || contour);
  const decided = wants
    ? await decide(map, original, thresholdOf(threshold, level), { box: box || tells, contour })
    : null;
  let drawn = heat && map ? coloured(pixels, map, colormap, alpha) : pixels;
  if (mask && decided) drawn = dimmedOutside(drawn, decided.inside);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d')!;
  context.putImageData(drawn, 0, 0);
  if (decided) drawOutlines(context, box ? decided : { ...decided, boxes: [] }, original);
  return decided;
}
