import { type Affine, type Placement, pictureToInput, type Size } from './geometry.ts';
import { isOverInput, type MapSize } from './map-size.ts';

/** How a map lies over the original picture: from the picture's coordinates to the map's, along x and y. */
export interface MapGrid {
  readonly picture: Size;
  readonly x: Affine;
  readonly y: Affine;
}

/** Of a map over the model's input. */
export function gridOverInput(map: Size, placement: Placement): MapGrid {
  const { picture, input } = placement;
  const { x, y } = pictureToInput(placement);
  return { picture, x: scaled(x, map.width / input.width), y: scaled(y, map.height / input.height) };
}

/** Of a map over the whole picture, whatever its size. */
export function gridOverWhole(map: Size, picture: Size): MapGrid {
  const along = (from: number, to: number): Affine => ({ scale: to / from, offset: 0 });
  return { picture, x: along(picture.width, map.width), y: along(picture.height, map.height) };
}

/** Of a map that was made as `mapSize` says. */
export function gridOf(map: Size, mapSize: MapSize, placement: Placement): MapGrid {
  return isOverInput(mapSize) ? gridOverInput(map, placement) : gridOverWhole(map, placement.picture);
}

function scaled({ scale, offset }: Affine, by: number): Affine {
  return { scale: scale * by, offset: offset * by };
}

/** The cells of a map that lie over the picture, and where: cell (i, j) covers [columns[i], columns[i + 1]) × [rows[j], rows[j + 1]) of it. */
export interface CellEdges {
  readonly picture: Size;
  /** Whole cells of the map; those at the picture's edges may be cut. */
  readonly cell: Size;
  /** First column and row of the map that lie over the picture. */
  readonly left: number;
  readonly top: number;
  /** In the picture's coordinates, within the picture; one more than there are columns. */
  readonly columns: Float64Array;
  readonly rows: Float64Array;
}

/** Coordinates that differ by less are equal: what is left of divisions and multiplications that undo each other. */
const ROUNDING = 1e-6;

/** Cells in the margins of a letterbox are left out. */
export function edgesOf({ width, height }: Size, { picture, x, y }: MapGrid): CellEdges {
  const columns = edgesAlong(width, x, picture.width);
  const rows = edgesAlong(height, y, picture.height);
  return {
    picture,
    cell: { width: 1 / x.scale, height: 1 / y.scale },
    left: columns.first,
    top: rows.first,
    columns: columns.edges,
    rows: rows.edges,
  };
}

function edgesAlong(count: number, { scale, offset }: Affine, length: number): { first: number; edges: Float64Array } {
  const at = (edge: number) => (edge - offset) / scale;
  let first = 0;
  while (first < count - 1 && at(first + 1) <= ROUNDING) first++;
  let end = count;
  while (end > first + 1 && at(end - 1) >= length - ROUNDING) end--;
  const edges = Float64Array.from({ length: end - first + 1 }, (_, i) => Math.min(length, Math.max(0, at(first + i))));
  return { first, edges };
}

/** The whole pixels that a stretch of one axis touches. */
export function outwards(from: number, to: number): readonly [begin: number, end: number] {
  return [Math.floor(from + ROUNDING), Math.ceil(to - ROUNDING)];
}
