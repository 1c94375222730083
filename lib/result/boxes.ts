import { setImmediate as nextTurn } from 'node:timers/promises';
import { inSteps, SLICE } from '../common/slices.ts';
import { type CellEdges, edgesOf, gridOverWhole, outwards } from '../image/map-grid.ts';
import { type Connectivity, componentSteps, extentsOf } from './components.ts';
import { insideOf, type Threshold } from './threshold.ts';

/** A map [height, width]. */
export interface MapPlane {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** A connected part of a map, in the map's pixels or those of the picture under it. */
export interface MapBox {
  /** Left edge. */
  readonly x: number;
  /** Upper edge. */
  readonly y: number;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Pixels of the part, not of the box; of a map of another size than the picture's they may be fractions. */
  readonly area: number;
  /** Sum of the map over the part's pixels. */
  readonly sum: number;
  /** Its largest value. */
  readonly peak: number;
  /** Mean column and row of the part's pixels; the first pixel's are 0. */
  readonly centroid: readonly [x: number, y: number];
}

/** How boxes are looked for. */
export interface BoxSearch {
  /** What lies above it belongs to a part. Default { ofMax: 0.15 }. */
  readonly threshold?: Threshold | undefined;
  /** 8 (default) or 4: whether diagonal neighbours belong together. */
  readonly connectivity?: Connectivity | undefined;
  /** What comes first; equal ones in the row order of their first pixels. */
  readonly by?: 'area' | 'sum' | 'peak' | undefined;
  /** So many at most. */
  readonly max?: number | undefined;
  /** Parts of fewer pixels don't count. */
  readonly minArea?: number | undefined;
}

/** Grad-CAM's threshold for boxes. */
export const BOX_THRESHOLD: Threshold = { ofMax: 0.15 };

/**
 * Boxes around the connected parts of what lies above a threshold; none for a map of zeros. Options are checked by the caller.
 * @param edges where the map's cells lie over a picture: then all lengths and areas are in its pixels, boxes round outwards, and a
 * cell counts in `area`, `sum` and `centroid` by what it covers of the picture
 */
export async function findBoxes(map: MapPlane, search: BoxSearch = {}, edges?: CellEdges): Promise<MapBox[]> {
  const { threshold = BOX_THRESHOLD, connectivity = 8, by = 'area', max = 1, minArea = 1 } = search;
  const { data, width, height } = map;
  const { columns, rows: lines } = edges ?? edgesOf(map, gridOverWhole(map, map));
  const inside = await insideOf(data, threshold, 'above');
  const components = await inSteps(componentSteps(inside, width, height, connectivity));
  const parts = extentsOf(components).map(extent => ({ ...extent, area: 0, sum: 0, peak: -Infinity, xs: 0, ys: 0 }));
  const { runs, rows, begins, ends, numbers } = components;
  let seen = 0;
  for (let i = 0; i < runs; i++) {
    const part = parts[numbers[i]!]!;
    const [row, begin, end] = [rows[i]!, begins[i]!, ends[i]!];
    const high = lines[row + 1]! - lines[row]!;
    const [left, right] = [columns[begin]!, columns[end]!];
    let sum = 0;
    for (let x = begin; x < end; x++) {
      const value = data[row * width + x]!;
      sum += value * (columns[x + 1]! - columns[x]!);
      if (value > part.peak) part.peak = value;
    }
    seen += end - begin;
    if (seen > SLICE) {
      seen = 0;
      await nextTurn();
    }
    part.sum += sum * high;
    part.area += (right - left) * high;
    part.xs += ((right - left) * (left + right) * high) / 2;
    part.ys += ((right - left) * high * (lines[row]! + lines[row + 1]!)) / 2;
  }
  return parts
    .filter(({ area }) => area >= minArea)
    .sort((a, b) => b[by] - a[by])
    .slice(0, max)
    .map(({ x0, y0, x1, y1, area, sum, peak, xs, ys }) => {
      const [x, right] = outwards(columns[x0]!, columns[x1 + 1]!);
      const [y, bottom] = outwards(lines[y0]!, lines[y1 + 1]!);
      // The middle of the first pixel lies at 0.5.
      const centroid = [xs / area - 0.5, ys / area - 0.5] as const;
      return { x, y, width: right - x, height: bottom - y, area, sum, peak, centroid };
    });
}
