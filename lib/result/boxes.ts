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

export interface MapPeak {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}

export interface PeakSearch {
  /** Two peaks are further apart than this, across or down. */
  readonly minDistance: number;
  /** What does not lie above it is no peak. Without one all that is larger than the map's smallest value may be. */
  readonly threshold?: Threshold;
  readonly max?: number;
}

/**
 * Pixels that no other within `minDistance` exceeds, the largest first, equal ones in row order; of those within `minDistance` of
 * each other (a plateau) the first stays. Options are checked by the caller.
 */
export async function findPeaks(map: MapPlane, { minDistance, threshold, max }: PeakSearch): Promise<MapPeak[]> {
  const { data, width, height } = map;
  const least = data.reduce((a, b) => Math.min(a, b));
  const inside = await insideOf(data, threshold ?? { value: least }, 'above');
  const highest = neighbourhoodMaximum(map, minDistance);
  const candidates: MapPeak[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const value = data[y * width + x]!;
      if (inside[y * width + x] && value === highest[y * width + x]) candidates.push({ x, y, value });
    }
  candidates.sort((a, b) => b.value - a.value);
  const chosen: MapPeak[] = [];
  const covered = new Uint8Array(data.length);
  for (const peak of candidates) {
    if (covered[peak.y * width + peak.x]) continue;
    if (chosen.push(peak) === max) break;
    const [left, right] = [Math.max(0, peak.x - minDistance), Math.min(width, peak.x + minDistance + 1)];
    const bottom = Math.min(height, peak.y + minDistance + 1);
    for (let y = Math.max(0, peak.y - minDistance); y < bottom; y++)
      covered.fill(1, y * width + left, y * width + right);
  }
  return chosen;
}

/** The largest value of each pixel's window of 2d + 1 × 2d + 1: along the rows, then along the columns. */
function neighbourhoodMaximum({ data, width, height }: MapPlane, d: number): Float32Array {
  const rows = new Float32Array(data.length);
  const both = new Float32Array(data.length);
  for (let y = 0; y < height; y++) slidingMaximum(data, rows, y * width, 1, width, d);
  for (let x = 0; x < width; x++) slidingMaximum(rows, both, x, width, height, d);
  return both;
}

/** One line of values: a queue of positions whose values fall, the window's largest in front. */
function slidingMaximum(
  from: Float32Array,
  to: Float32Array,
  offset: number,
  stride: number,
  length: number,
  d: number,
): void {
  const queue = new Uint32Array(length);
  let front = 0;
  let back = 0;
  const at = (i: number) => from[offset + i * stride]!;
  for (let i = 0; i < length + d; i++) {
    if (i < length) {
      while (back > front && at(queue[back - 1]!) <= at(i)) back--;
      queue[back++] = i;
    }
    if (i < d) continue;
    if (queue[front]! < i - 2 * d) front++;
    to[offset + (i - d) * stride] = at(queue[front]!);
  }
}
