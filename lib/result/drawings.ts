import { gridOverWhole, type MapGrid } from '../image/map-grid.ts';
import { drawOutlines } from '../image/outlines.ts';
import type { LentPicture, RawPicture } from '../image/raw-picture.ts';
import { renderHeatmap, renderOverlay } from '../image/render.ts';
import type { BoxSearch } from './boxes.ts';
import { type RectInput, rectOf } from './decision-options.ts';
import { boxesOf, contoursOf, type DecisionView } from './decisions.ts';
import type { RenderOptions } from './output-options.ts';

/** What colours show. */
type Coloured = Pick<DecisionView, 'map' | 'overPicture'>;

/**
 * A map in colour, with the outlines that are asked for.
 * @param view what outlines are found in
 */
export async function drawHeatmap(coloured: Coloured, view: DecisionView, options: RenderOptions): Promise<RawPicture> {
  return outlined(await renderHeatmap(coloured.map, options), view, options, view.grid);
}

/** The same over the original picture. */
export async function drawOverlay(
  coloured: Coloured,
  view: DecisionView,
  open: () => Promise<LentPicture>,
  options: RenderOptions,
): Promise<RawPicture> {
  const [{ picture, spare }, map] = await Promise.all([open(), coloured.overPicture()]);
  const drawing = await renderOverlay(picture, map, { ...options, spare });
  return outlined(drawing, view, options, gridOverWhole(drawing.info, view.grid.picture));
}

/** @param grid how the drawing lies over the original picture */
async function outlined(
  drawing: RawPicture,
  view: DecisionView,
  { boxes = false, contours = false }: RenderOptions,
  grid: MapGrid,
): Promise<RawPicture> {
  if (!boxes && !contours) return drawing;
  const [found, traced] = await Promise.all([
    given<RectInput, BoxSearch>(boxes, options => boxesOf(view, options)),
    given(contours, options => contoursOf(view, options)),
  ]);
  const outlines = {
    boxes: found.map(box => rectOf(box, 'an entry of `boxes`')),
    polygons: traced.flatMap(({ outline, holes }) => [outline, ...holes]),
  };
  return drawOutlines(drawing, outlines, grid);
}

/** Found already, or found now. */
async function given<Found, Options extends object>(
  what: boolean | Options | readonly Found[],
  find: (options: Options) => Promise<readonly Found[]>,
): Promise<readonly Found[]> {
  if (Array.isArray(what)) return what;
  return what ? find(what === true ? ({} as Options) : (what as Options)) : [];
}
