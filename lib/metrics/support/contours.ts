import { type Components, type Extent, extentsOf, findComponents } from '../../result/components.ts';
import type { Box } from '../../targets/detection.ts';

/** Columns and rows to the eight neighbours, counterclockwise from the right one. */
const ACROSS = [1, 1, 0, -1, -1, -1, 0, 1];
const DOWN = [0, -1, -1, -1, 0, 1, 1, 1];

/** 0 and 1, [height, width]. */
interface Cells {
  readonly cells: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * The box of OpenCV's contour of the largest area (through the pixels' centres, so that lines have none); of equal ones that
 * which begins lowest, as OpenCV lists them. As in the benchmark's code it is a pixel larger than the contour where there is room.
 * Without a contour the first pixel's.
 */
export function largestContourBox(mask: Cells): Box {
  const components = findComponents(mask.cells, mask.width, mask.height, 8);
  const extents = extentsOf(components);
  const starts = startsOf(components, mask.width);
  let largest = -1;
  let best = -1;
  for (let component = extents.length - 1; component >= 0; component--) {
    const { x0, y0, x1, y1 } = extents[component]!;
    // No contour has a larger area than its box.
    if ((x1 - x0) * (y1 - y0) <= best) continue;
    const area = outerArea(mask, starts[component]!);
    if (area <= best) continue;
    best = area;
    largest = component;
  }
  return largest < 0 ? [0, 0, 1, 1] : enlarged(extents[largest]!, mask);
}

/** The boxes of all contours, those around holes included. */
export function contourBoxes(mask: Cells): Box[] {
  const { cells, width, height } = mask;
  const extents = extentsOf(findComponents(cells, width, height, 8));
  if (extents.length === 0) return [[0, 0, 1, 1]];
  const holes = extentsOf(findComponents(cells, width, height, 4, 0))
    .filter(({ x0, y0, x1, y1 }) => x0 > 0 && y0 > 0 && x1 < width - 1 && y1 < height - 1)
    // Its contour runs on the pixels around it.
    .map(({ x0, y0, x1, y1 }) => ({ x0: x0 - 1, y0: y0 - 1, x1: x1 + 1, y1: y1 + 1 }));
  return [...extents, ...holes].map(extent => enlarged(extent, mask));
}

/** Corners [x, y, min(x + w, W − 1), min(y + h, H − 1)], both inclusive. */
function enlarged({ x0, y0, x1, y1 }: Extent, { width, height }: Cells): Box {
  return [x0, y0, Math.min(x1 + 1, width - 1) - x0 + 1, Math.min(y1 + 1, height - 1) - y0 + 1];
}

/** The first pixel of each component in row order. */
function startsOf({ count, runs, rows, begins, numbers }: Components, width: number): Int32Array {
  const starts = new Int32Array(count);
  for (let i = runs - 1; i >= 0; i--) starts[numbers[i]!] = rows[i]! * width + begins[i]!;
  return starts;
}

/** The area inside a component's outer border, followed from its first pixel on (Suzuki and Abe 1985). */
function outerArea({ cells, width, height }: Cells, start: number): number {
  const startX = start % width;
  const startY = Math.floor(start / width);
  const isInside = (x: number, y: number, to: number) => {
    const u = x + ACROSS[to]!;
    const v = y + DOWN[to]!;
    return u >= 0 && v >= 0 && u < width && v < height && cells[v * width + u] === 1;
  };
  // The pixel to the left of the first one is not inside: from there clockwise.
  let back = 4;
  do back = (back + 7) % 8;
  while (back !== 4 && !isInside(startX, startY, back));
  if (back === 4) return 0;
  const lastX = startX + ACROSS[back]!;
  const lastY = startY + DOWN[back]!;
  let x = startX;
  let y = startY;
  let twice = 0;
  for (;;) {
    let next = back;
    do next = (next + 1) % 8;
    while (!isInside(x, y, next));
    const nextX = x + ACROSS[next]!;
    const nextY = y + DOWN[next]!;
    twice += x * nextY - nextX * y;
    if (nextX === startX && nextY === startY && x === lastX && y === lastY) return Math.abs(twice) / 2;
    x = nextX;
    y = nextY;
    back = (next + 4) % 8;
  }
}
