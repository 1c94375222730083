import type { Box } from '../../targets/detection.ts';

/** Intersection over union of two boxes [x, y, w, h]. */
export function boxIou(a: Box, b: Box): number {
  const across = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const down = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (across <= 0 || down <= 0) return 0;
  const both = across * down;
  return both / (a[2] * a[3] + b[2] * b[3] - both);
}

/** With whichever of these boxes it overlaps most. */
export function bestIou(box: Box, boxes: readonly Box[]): number {
  return boxes.reduce((best, other) => Math.max(best, boxIou(box, other)), 0);
}
