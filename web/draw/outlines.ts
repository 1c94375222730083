import type { Size } from '../../lib/image/geometry.ts';
import { gridOverWhole } from '../../lib/image/map-grid.ts';
import { outlineShape } from '../../lib/image/outline-shape.ts';
import type { Decided } from './decide.ts';

/** Boxes and contours over a drawn picture: white with dark edges, where and as wide as the library's own drawings have them. */
export function drawOutlines(
  context: CanvasRenderingContext2D,
  { boxes, contours }: Pick<Decided, 'boxes' | 'contours'>,
  original: Size,
): void {
  const size = { width: context.canvas.width, height: context.canvas.height };
  const outlines = { boxes, polygons: contours.flatMap(({ outline, holes }) => [outline, ...holes]) };
  const { polygons, line, around } = outlineShape(outlines, size, gridOverWhole(size, original));
  const path = new Path2D();
  for (const [first, ...others] of polygons) {
    path.moveTo(...first!);
    for (const [x, y] of others) path.lineTo(x, y);
    path.closePath();
  }
  context.lineJoin = 'miter';
  // As SVG has it.
  context.miterLimit = 4;
  for (const [colour, width] of [
    ['#000', around],
    ['#fff', line],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(path);
  }
}
