import type { Decided } from './decide.ts';

/** Boxes and contours over a drawn picture: white with dark edges, which stand out from every colour (lib/image/outlines.ts). */
export function drawOutlines(
  context: CanvasRenderingContext2D,
  { boxes, contours }: Decided,
  original: { readonly width: number; readonly height: number },
): void {
  const { width, height } = context.canvas;
  const path = new Path2D();
  const [across, down] = [width / original.width, height / original.height];
  for (const box of boxes) path.rect(box.x * across, box.y * down, box.width * across, box.height * down);
  for (const { outline, holes } of contours)
    for (const ring of [outline, ...holes]) {
      ring.forEach(([x, y], i) => {
        if (i === 0) path.moveTo(x * across, y * down);
        else path.lineTo(x * across, y * down);
      });
      path.closePath();
    }
  const line = Math.max(1.5, Math.max(width, height) / 220);
  context.lineJoin = 'miter';
  for (const [style, wide] of [
    ['#000', 2 * line],
    ['#fff', line],
  ] as const) {
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.stroke(path);
  }
}
