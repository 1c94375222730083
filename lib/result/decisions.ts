import { invalid } from '../common/checks.ts';
import type { Size } from '../image/geometry.ts';
import { type CellEdges, edgesOf, gridOverWhole, type MapGrid, outwards } from '../image/map-grid.ts';
import { type MaskPicture, type RawPicture, rawPicture } from '../image/raw-picture.ts';
import { BOX_THRESHOLD, findBoxes, type MapBox, type MapPlane } from './boxes.ts';
import { findContours, type MapContour, type Point } from './contours.ts';
import {
  type BoxOptions,
  type ContourOptions,
  type CropOptions,
  type MaskOptions,
  marginOf,
  type PeakOptions,
  rectOf,
} from './decision-options.ts';
import { findPeaks, type MapPeak } from './peaks.ts';
import type { Verdict } from './status.ts';
import { insideOf } from './threshold.ts';

/** What decisions are made of: a map or one plane of it. */
export interface DecisionView {
  readonly verdict: Verdict;
  /** As it was asked for. */
  readonly map: MapPlane;
  /** How that lies over the picture. */
  readonly grid: MapGrid;
  /** Over the whole picture, as overlays have it. */
  readonly overPicture: () => Promise<MapPlane>;
  /** The original picture at its own size; not to be written to. */
  readonly original: () => Promise<RawPicture>;
}

/** Found on the map as it is, without what lies outside the picture. Options are checked by the caller, here and below. */
export async function boxesOf({ verdict, map, grid }: DecisionView, options: BoxOptions): Promise<MapBox[]> {
  if (verdict.status !== 'ok') return [];
  const edges = edgesOf(map, grid);
  return findBoxes(visible(map, edges), options, edges);
}

export async function peaksOf({ verdict, map, grid }: DecisionView, options: PeakOptions): Promise<MapPeak[]> {
  if (verdict.status !== 'ok') return [];
  const { minDistance = usualDistance(grid.picture), ...search } = options;
  const edges = edgesOf(map, grid);
  return findPeaks(visible(map, edges), { minDistance, ...search }, edges);
}

/** Half a cell of a layer of 7 × 7, which the border of an enlarged map repeats, has one peak. */
function usualDistance({ width, height }: Size): number {
  return Math.max(1, Math.round(Math.max(width, height) / 10));
}

export async function maskOf(view: DecisionView, options: MaskOptions): Promise<MaskPicture> {
  const { data, width, height } = await view.overPicture();
  const inside = await insideIf(view, data, options);
  for (let i = 0; i < inside.length; i++) inside[i] = 255 * inside[i]!;
  return { data: inside, info: { width, height, channels: 1 } };
}

/** On the map over the picture. */
export async function contoursOf(view: DecisionView, options: ContourOptions): Promise<MapContour[]> {
  if (view.verdict.status !== 'ok') return [];
  const map = await view.overPicture();
  const { columns, rows, cell } = edgesOf(map, gridOverWhole(map, view.grid.picture));
  const area = cell.width * cell.height;
  const { minArea = area, ...search } = options;
  const cells = await insideIf(view, map.data, options);
  const found = await findContours(
    { cells, width: map.width, height: map.height },
    { ...search, minArea: minArea / area },
  );
  if (columns.length === view.grid.picture.width + 1 && rows.length === view.grid.picture.height + 1) return found;
  const placed = (ring: readonly Point[]) => ring.map(([x, y]): Point => [x * cell.width, y * cell.height]);
  return found.map(one => ({ outline: placed(one.outline), holes: one.holes.map(placed), area: one.area * area }));
}

async function insideIf({ verdict }: DecisionView, data: Float32Array, { threshold = BOX_THRESHOLD }: MaskOptions) {
  return verdict.status === 'ok' ? insideOf(data, threshold, 'above') : new Uint8Array(data.length);
}

/**
 * The picture's own pixels.
 * @throws `ERR_OPTION_INVALID` where there is nothing to cut out
 */
export async function cropOf(view: DecisionView, options: CropOptions): Promise<RawPicture> {
  const box = options.box ? rectOf(options.box, '`box`') : await largestPart(view, options);
  const { across, down } = marginOf(options.margin, box);
  const { data, info } = await view.original();
  const [left, right] = within(box.x - across, box.x + box.width + across, info.width);
  const [top, bottom] = within(box.y - down, box.y + box.height + down, info.height);
  if (left >= right || top >= bottom)
    throw invalid(
      `there is nothing to cut out: the box ${[box.x, box.y, box.width, box.height].join(', ')} lies outside the picture of ${info.width}x${info.height}`,
    );
  const [width, height] = [right - left, bottom - top];
  const part = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const start = 3 * ((top + y) * info.width + left);
    part.set(data.subarray(start, start + 3 * width), 3 * y * width);
  }
  return rawPicture(part, width, height);
}

async function largestPart(view: DecisionView, { threshold }: CropOptions) {
  const { status, reason } = view.verdict;
  if (status !== 'ok') throw invalid(`there is nothing to cut out: the map is ${status}: ${reason}; or give a \`box\``);
  const [box] = await boxesOf(view, { threshold });
  if (!box)
    throw invalid('there is nothing to cut out: nothing of the map lies above `threshold`; lower it, or give a `box`');
  return box;
}

function within(from: number, to: number, length: number): readonly [begin: number, end: number] {
  const [begin, end] = outwards(from, to);
  return [Math.max(0, begin), Math.min(length, end)];
}

/** The part of a map that lies over the picture. */
function visible(map: MapPlane, { left, top, columns, rows }: CellEdges): MapPlane {
  const [width, height] = [columns.length - 1, rows.length - 1];
  if (width === map.width && height === map.height) return map;
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * map.width + left;
    data.set(map.data.subarray(start, start + width), y * width);
  }
  return { data, width, height };
}
