import type { MapPlane } from './boxes.ts';
import { insideOf, type Threshold } from './threshold.ts';

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
