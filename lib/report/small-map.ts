import { inputToPicture, mappedRect, type Placement, type Size, shownPixels } from '../image/geometry.ts';
import { gridOverInput } from '../image/map-grid.ts';
import { placementOf } from '../image/map-size.ts';
import type { AxisPlacement } from '../kernels/types.ts';
import { toBase64 } from './base64.ts';
import { fitGrid, type Plane, tapOf } from './fit-grid.ts';
import { toHalf } from './half.ts';
import type { SmallMap } from './payload.ts';

/** What a map lies over, and how the picture lies in the model's input. */
export interface MapPlace {
  /** The original picture, whatever the map's size, or the model's input. */
  readonly over: 'picture' | 'input';
  readonly placement: Placement;
}

/**
 * How far the enlarged grid may be from the map: root mean square and at the worst pixel, three steps of 255. Half a step everywhere
 * would make maps that were enlarged twice (pytorch-grad-cam's: to the input, then to the picture), which miss by 2 steps in the few
 * pixels where cells meet and by 0.1 in the mean, a thousand times as large.
 */
const TOLERANCE = 0.5 / 255;
const WORST = 3 / 255;
/** Cells that are stored as float16; larger maps as uint8, half a step less exact. */
const MOST_HALVES = 1500;
/** Of maps that no small grid gives back, the longer side. */
const LONGEST_SIDE = 224;
/** Where a method's own map is large, of an early layer or of the input's size, smooth ones come back from less: grids from 8 on. */
const LARGEST_FIRST = 64;
const FIRST_SIDE = 8;

/**
 * A map at the smallest size that gives it back, within half a step of 255 (root mean square; three at the worst pixel), when it is
 * enlarged as `restoreMaps` does. Maps that were enlarged from the layer's size come back at that; those without a small grid (guided
 * backpropagation) at 224 pixels.
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
  const ownCells = own ? Math.max(own.width, own.height) : Number.POSITIVE_INFINITY;
  const found: Size[] = [];
  if (ownCells <= Math.min(LARGEST_FIRST, most)) {
    for (let times = 1; ownCells * times < most; times *= 2)
      found.push({ width: own!.width * times, height: own!.height * times });
  } else {
    for (let side = FIRST_SIDE; side < Math.min(most, ownCells); side *= 2) found.push(scaled(side));
    if (ownCells < most) found.push(own!);
  }
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
  const length = x.end - x.begin;
  const columns = new Int32Array(length);
  const shares = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const { low, weight } = tapOf(x.begin + i, x, grid.width);
    columns[i] = low;
    shares[i] = weight;
  }
  // One more: what stands beside the last column has no weight.
  const row = new Float64Array(grid.width + 1);
  const beyond = grid.height > 1 ? grid.width : 0;
  let squares = 0;
  for (let j = y.begin; j < y.end; j++) {
    const { low, weight } = tapOf(j, y, grid.height);
    const from = low * grid.width;
    for (let c = 0; c < grid.width; c++)
      row[c] = (1 - weight) * grid.data[from + c]! + weight * grid.data[from + beyond + c]!;
    const start = j * map.width + x.begin;
    for (let i = 0; i < length; i++) {
      const column = columns[i]!;
      const value = row[column]! + shares[i]! * (row[column + 1]! - row[column]!);
      const miss = value - map.data[start + i]!;
      if (miss > WORST || miss < -WORST) return false;
      squares += miss * miss;
    }
  }
  return squares <= TOLERANCE ** 2 * length * (y.end - y.begin);
}

/** Of pixels. */
const ROUNDING = 1e-6;

/** An edge as a share of the picture; of two pixels that it may part by rounding alone, it parts those that `restoreMaps` parts. */
function edgeShare(edge: number, pixel: number, length: number): number {
  const parting = Math.min(pixel + 0.5 - ROUNDING, Math.max(pixel - 0.5 + ROUNDING, edge));
  return Math.min(1, Math.max(0, parting / length));
}

/** With coordinates that hold for a picture drawn at any size. */
function stored({ data, width, height }: Plane, placement: Placement): SmallMap {
  const { picture, target } = placement;
  const { x, y } = gridOverInput({ width, height }, placement);
  const seen = mappedRect(target, inputToPicture(placement));
  const pixels = shownPixels(placement);
  const isHalf = width * height <= MOST_HALVES;
  const values = isHalf ? toHalf(data) : Uint8Array.from(data, value => Math.round(255 * value));
  return {
    width,
    height,
    type: isHalf ? 'float16' : 'uint8',
    data: toBase64(values),
    x: { scale: x.scale * picture.width, offset: x.offset },
    y: { scale: y.scale * picture.height, offset: y.offset },
    shown: [
      edgeShare(seen.x, pixels.x, picture.width),
      edgeShare(seen.y, pixels.y, picture.height),
      edgeShare(seen.x + seen.width, pixels.x + pixels.width, picture.width),
      edgeShare(seen.y + seen.height, pixels.y + pixels.height, picture.height),
    ],
  };
}
