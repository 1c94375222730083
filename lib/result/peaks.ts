import { inSlices, inSteps, SLICE } from '../common/slices.ts';
import type { CellEdges } from '../image/map-grid.ts';
import type { MapPlane } from './boxes.ts';
import { insideOf, rangeOf, type Threshold } from './threshold.ts';

/** A place where the map is largest. */
export interface MapPeak {
  /** Column of the pixel, from 0. */
  readonly x: number;
  /** Row of the pixel, from 0. */
  readonly y: number;
  /** Of the map there, in [0, 1]. */
  readonly value: number;
}

export interface PeakSearch {
  /** Two peaks are further apart than this, across or down. */
  readonly minDistance: number;
  /** What does not lie above it is no peak. Without one all that is larger than the map's smallest value may be. */
  readonly threshold?: Threshold | undefined;
  readonly max?: number | undefined;
}

/**
 * Pixels that no other within `minDistance` exceeds, the largest first, equal ones in row order; of those within `minDistance` of
 * each other (a plateau) the first stays. Options are checked by the caller.
 * @param edges where the map's cells lie over a picture: then distance and peaks are in its pixels
 */
export async function findPeaks(
  map: MapPlane,
  { minDistance, threshold, max }: PeakSearch,
  edges?: CellEdges,
): Promise<MapPeak[]> {
  const { data, width, height } = map;
  const inside = await insideOf(data, threshold ?? { value: (await rangeOf(data)).least }, 'above');
  const across = cellsWithin(minDistance, edges?.cell.width);
  const down = cellsWithin(minDistance, edges?.cell.height);
  const highest = await inSteps(neighbourhoodMaximum(map, across, down));
  const candidates: MapPeak[] = [];
  await inSlices(data.length, (begin, end) => {
    for (let i = begin; i < end; i++)
      if (inside[i] && data[i] === highest[i])
        candidates.push({ x: i % width, y: Math.floor(i / width), value: data[i]! });
  });
  candidates.sort((a, b) => b.value - a.value);
  const chosen: MapPeak[] = [];
  const covered = new Uint8Array(data.length);
  for (const peak of candidates) {
    if (covered[peak.y * width + peak.x]) continue;
    if (chosen.push(peak) === max) break;
    const [left, right] = [Math.max(0, peak.x - across), Math.min(width, peak.x + across + 1)];
    const bottom = Math.min(height, peak.y + down + 1);
    for (let y = Math.max(0, peak.y - down); y < bottom; y++) covered.fill(1, y * width + left, y * width + right);
  }
  if (!edges) return chosen;
  const { columns, rows } = edges;
  return chosen.map(({ x, y, value }) => ({ x: pixelOf(columns, x), y: pixelOf(rows, y), value }));
}

/** Cells that lie no further apart than a distance; neighbours count however large they are. */
function cellsWithin(distance: number, cell = 1): number {
  return distance === 0 ? 0 : Math.max(1, Math.floor(distance / cell + 1e-6));
}

/** The picture's pixel that the middle of a cell lies in. */
function pixelOf(edges: Float64Array, i: number): number {
  return Math.min(Math.floor((edges[i]! + edges[i + 1]!) / 2), Math.ceil(edges.at(-1)!) - 1);
}

/** The largest value of each pixel's window of 2 · across + 1 by 2 · down + 1: along the rows, then along the columns. */
function* neighbourhoodMaximum(
  { data, width, height }: MapPlane,
  across: number,
  down: number,
): Generator<void, Float32Array> {
  const rows = new Float32Array(data.length);
  const both = new Float32Array(data.length);
  const rowsAtOnce = Math.ceil(SLICE / width / 4);
  const columnsAtOnce = Math.ceil(SLICE / height / 4);
  for (let y = 0; y < height; y++) {
    if (y % rowsAtOnce === rowsAtOnce - 1) yield;
    slidingMaximum(data, rows, y * width, 1, width, across);
  }
  for (let x = 0; x < width; x++) {
    if (x % columnsAtOnce === columnsAtOnce - 1) yield;
    slidingMaximum(rows, both, x, width, height, down);
  }
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
