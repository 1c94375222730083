import { type Connectivity, extentsOf, findComponents } from './components.ts';
import { insideOf, type Threshold } from './threshold.ts';

/** A map [height, width]. */
export interface MapPlane {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** A connected part of a map, in the map's pixels. */
export interface MapBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Pixels of the part, not of the box. */
  readonly area: number;
  /** Sum of the map over the part. */
  readonly sum: number;
  /** Its largest value. */
  readonly peak: number;
  /** Mean column and row of the part's pixels; the first pixel's are 0. */
  readonly centroid: readonly [x: number, y: number];
}

export interface BoxSearch {
  /** What lies above it belongs to a part. Default { ofMax: 0.15 }. */
  readonly threshold?: Threshold;
  readonly connectivity?: Connectivity;
  /** What comes first; equal ones in the row order of their first pixels. */
  readonly by?: 'area' | 'sum' | 'peak';
  /** So many at most. */
  readonly max?: number;
  /** Parts of fewer pixels don't count. */
  readonly minArea?: number;
}

/** Grad-CAM's threshold for boxes. */
export const BOX_THRESHOLD: Threshold = { ofMax: 0.15 };

/** Boxes around the connected parts of what lies above a threshold; none for a map of zeros. Options are checked by the caller. */
export async function findBoxes(map: MapPlane, search: BoxSearch = {}): Promise<MapBox[]> {
  const { threshold = BOX_THRESHOLD, connectivity = 8, by = 'area', max = 1, minArea = 1 } = search;
  const { data, width, height } = map;
  const components = findComponents(await insideOf(data, threshold, 'above'), width, height, connectivity);
  const parts = extentsOf(components).map(extent => ({ ...extent, area: 0, sum: 0, peak: -Infinity, xs: 0, ys: 0 }));
  const { runs, rows, begins, ends, numbers } = components;
  for (let i = 0; i < runs; i++) {
    const part = parts[numbers[i]!]!;
    const [row, begin, end] = [rows[i]!, begins[i]!, ends[i]!];
    for (let x = begin; x < end; x++) {
      const value = data[row * width + x]!;
      part.sum += value;
      part.peak = Math.max(part.peak, value);
      part.xs += x;
    }
    part.area += end - begin;
    part.ys += row * (end - begin);
  }
  return parts
    .filter(({ area }) => area >= minArea)
    .sort((a, b) => b[by] - a[by])
    .slice(0, max)
    .map(({ x0, y0, x1, y1, area, sum, peak, xs, ys }) => ({
      x: x0,
      y: y0,
      width: x1 - x0 + 1,
      height: y1 - y0 + 1,
      area,
      sum,
      peak,
      centroid: [xs / area, ys / area] as const,
    }));
}
