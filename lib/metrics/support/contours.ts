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
  const most = extents.map(({ x0, y0, x1, y1 }) => (x1 - x0) * (y1 - y0));
  const byMost = [...most.keys()].sort((a, b) => most[b]! - most[a]! || b - a);
  let largest = -1;
  let best = -1;
  for (const component of byMost) {
    if (most[component]! < best) break;
    const area = most[component] === 0 ? 0 : outerArea(mask, starts[component]!);
    if (area > best || (area === best && component > largest)) {
      best = area;
      largest = component;
    }
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
function startsOf({ count, runs }: Components, width: number): number[] {
  const starts = new Array<number>(count).fill(-1);
  for (const { row, begin, component } of runs) if (starts[component] === -1) starts[component] = row * width + begin;
  return starts;
}

/** The area inside a component's outer border, followed from its first pixel on (Suzuki and Abe 1985). */
function outerArea({ cells, width, height }: Cells, start: number): number {
  const isInside = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && cells[y * width + x] === 1;
  const [startX, startY] = [start % width, Math.floor(start / width)];
  // The pixel to the left of the first one is not inside: from there clockwise.
  let back = 4;
  do back = (back + 7) % 8;
  while (back !== 4 && !isInside(startX + ACROSS[back]!, startY + DOWN[back]!));
  if (back === 4) return 0;
  const [lastX, lastY] = [startX + ACROSS[back]!, startY + DOWN[back]!];
  let [x, y] = [startX, startY];
  let twice = 0;
  for (;;) {
    let next = back;
    do next = (next + 1) % 8;
    while (!isInside(x + ACROSS[next]!, y + DOWN[next]!));
    const [nextX, nextY] = [x + ACROSS[next]!, y + DOWN[next]!];
    twice += x * nextY - nextX * y;
    if (nextX === startX && nextY === startY && x === lastX && y === lastY) return Math.abs(twice) / 2;
    [x, y] = [nextX, nextY];
    back = (next + 4) % 8;
  }
}
