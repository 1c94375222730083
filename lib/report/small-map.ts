import { inputToPicture, mappedRect, type Placement, type Size, shownPixels } from '../image/geometry.ts';
import { gridOverInput } from '../image/map-grid.ts';
import { placementOf } from '../image/map-size.ts';
import type { AxisPlacement } from '../kernels/types.ts';
import { fitGrid, type Plane, tapOf } from './fit-grid.ts';
import { toHalf } from './half.ts';
import type { SmallMap } from './payload.ts';

/** What a map lies over, and how the picture lies in the model's input. */
export interface MapPlace {
  /** The original picture, whatever the map's size, or the model's input. */
  readonly over: 'picture' | 'input';
  readonly placement: Placement;
}

/** Half a step of 255. */
const TOLERANCE = 0.5 / 255;
/** Cells that are stored as float16; larger maps as uint8, half a step less exact. */
const MOST_HALVES = 1500;
/** Of maps that no small grid gives back, the longer side. */
const LONGEST_SIDE = 224;
/** Where a method's own map is as large as the input, grids are tried from here on. */
const FIRST_SIDE = 8;

/**
 * A map at the smallest size that gives it back, within half a step of 255 of its values, when it is enlarged as `restoreMaps` does.
 * Maps that were enlarged from the layer's size come back at that; those without a small grid (guided backpropagation) at 224 pixels.
 * @param map of a picture or plane, in [0, 1]
 * @param own the method's own size, which is tried first
 */
export function smallMap(map: Plane, place: MapPlace, own?: Size): SmallMap {
  const placed = place.over === 'picture' ? placementOf(place.placement, map) : place.placement;
  const sizes = candidates(map, placed.input, own);
  for (const [i, size] of sizes.entries()) {
    const { x, y } = axesOf(map, size, place.over, placed);
    const grid = fitGrid(map, size, x, y);
    if (i < sizes.length - 1 && !givesBack(grid, map, x, y)) continue;
    return stored(grid, placed);
  }
  throw new Error('unreachable: the last size is taken as it is');
}

/** From small to large, the last one as large as it may be. */
function candidates(map: Size, input: Size, own: Size | undefined): Size[] {
  const cells = Math.max(input.width, input.height);
  const scaled = (side: number): Size => ({
    width: Math.max(1, Math.round((input.width * side) / cells)),
    height: Math.max(1, Math.round((input.height * side) / cells)),
  });
  const most = Math.min(LONGEST_SIDE, cells);
  const isSmall = own !== undefined && Math.max(own.width, own.height) <= Math.min(64, most);
  const found: Size[] = [];
  if (isSmall) {
    found.push(own);
    for (let times = 2; Math.max(own.width, own.height) * times < most; times *= 2)
      found.push({ width: own.width * times, height: own.height * times });
  } else for (let side = FIRST_SIDE; side < most; side *= 2) found.push(scaled(side));
  found.push(scaled(most));
  // A grid finer than the map has nodes that no pixel touches.
  const fitting = found.filter(({ width, height }) => width <= map.width && height <= map.height);
  return fitting.length > 0 ? fitting : [{ width: Math.min(map.width, most), height: Math.min(map.height, most) }];
}

/** How the map's pixels lie over a grid of the input. */
function axesOf(map: Size, size: Size, over: MapPlace['over'], placement: Placement) {
  if (over === 'input') {
    const axis = (cells: number, length: number): AxisPlacement => ({
      scale: cells / length,
      offset: 0,
      length,
      begin: 0,
      end: length,
    });
    return { x: axis(size.width, map.width), y: axis(size.height, map.height) };
  }
  const shown = shownPixels(placement);
  const { x, y } = gridOverInput(size, placement);
  return {
    x: { ...x, length: map.width, begin: shown.x, end: shown.x + shown.width },
    y: { ...y, length: map.height, begin: shown.y, end: shown.y + shown.height },
  };
}

function givesBack(grid: Plane, map: Plane, x: AxisPlacement, y: AxisPlacement): boolean {
  const columns = Array.from({ length: x.end - x.begin }, (_, i) => tapOf(x.begin + i, x, grid.width));
  const row = new Float64Array(grid.width);
  const beyond = grid.height > 1 ? grid.width : 0;
  for (let j = y.begin; j < y.end; j++) {
    const { low, weight } = tapOf(j, y, grid.height);
    const from = low * grid.width;
    for (let c = 0; c < grid.width; c++)
      row[c] = (1 - weight) * grid.data[from + c]! + weight * grid.data[from + beyond + c]!;
    for (let i = x.begin; i < x.end; i++) {
      const { low: column, weight: share } = columns[i - x.begin]!;
      const value = (1 - share) * row[column]! + share * (row[column + 1] ?? 0);
      if (Math.abs(value - map.data[j * map.width + i]!) > TOLERANCE) return false;
    }
  }
  return true;
}

/** With coordinates that hold for a picture drawn at any size. */
function stored({ data, width, height }: Plane, placement: Placement): SmallMap {
  const { picture, target } = placement;
  const { x, y } = gridOverInput({ width, height }, placement);
  const seen = mappedRect(target, inputToPicture(placement));
  const share = (value: number, length: number) => Math.min(1, Math.max(0, value / length));
  const isHalf = width * height <= MOST_HALVES;
  const values = isHalf ? toHalf(data) : Uint8Array.from(data, value => Math.round(255 * value));
  return {
    width,
    height,
    type: isHalf ? 'float16' : 'uint8',
    data: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64'),
    x: { scale: x.scale * picture.width, offset: x.offset },
    y: { scale: y.scale * picture.height, offset: y.offset },
    shown: [
      share(seen.x, picture.width),
      share(seen.y, picture.height),
      share(seen.x + seen.width, picture.width),
      share(seen.y + seen.height, picture.height),
    ],
  };
}
