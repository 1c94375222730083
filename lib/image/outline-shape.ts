import type { Affine, Rect, Size } from './geometry.ts';

/** What is drawn around: boxes and polygons in the coordinates of some picture. */
export interface Outlines {
  readonly boxes: readonly Rect[];
  readonly polygons: readonly (readonly Point[])[];
}
type Point = readonly [x: number, y: number];

/** In the drawn picture's coordinates. */
export interface OutlineShape {
  /** Closed; boxes first. */
  readonly polygons: readonly (readonly Point[])[];
  /** Width of the white line, and of the dark one under it. */
  readonly line: number;
  readonly around: number;
}

/**
 * Where outlines run, and how wide they are: as the picture is large. All of a line is seen, also where a box ends with the picture.
 * @param size of the picture that is drawn on
 * @param along from the outlines' coordinates to that picture's
 */
export function outlineShape(
  { boxes, polygons }: Outlines,
  { width, height }: Size,
  along: { readonly x: Affine; readonly y: Affine },
): OutlineShape {
  const line = Math.max(1, Math.round(Math.max(width, height) / 250));
  const edge = Math.max(1, Math.round(line / 2));
  const half = line / 2 + edge;
  const inside = (value: number, { scale, offset }: Affine, length: number) =>
    Math.min(Math.max(length - half, length / 2), Math.max(Math.min(half, length / 2), value * scale + offset));
  const placed = (points: readonly Point[]) =>
    points.map(([x, y]): Point => [inside(x, along.x, width), inside(y, along.y, height)]);
  return { polygons: [...boxes.map(cornersOf), ...polygons].map(placed), line, around: 2 * half };
}

function cornersOf({ x, y, width, height }: Rect): Point[] {
  return [
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
  ];
}
