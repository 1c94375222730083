import { gridOverWhole } from '../../lib/image/map-grid.ts';
import type { MapBox, MapPlane } from '../../lib/result/boxes.ts';
import type { MapContour } from '../../lib/result/contours.ts';
import { boxesOf, contoursOf, type DecisionView } from '../../lib/result/decisions.ts';
import { insideOf, type Threshold } from '../../lib/result/threshold.ts';
import type { ThresholdForm } from '../state/settings.ts';

/** The library's threshold that form and level say. */
export function thresholdOf(form: ThresholdForm, level: number): Threshold {
  if (form === 'otsu') return 'otsu';
  if (form === 'max') return { ofMax: share(level) };
  if (form === 'q') return { quantile: share(level) };
  return form === 'sd' ? { meanStd: level } : { value: level };
}

const share = (level: number): number => Math.min(1, Math.max(0, level));

/** The same as of a result of the library: lengths and areas are in the original picture's pixels. */
function viewOf(map: MapPlane, original: { readonly width: number; readonly height: number }): DecisionView {
  return {
    verdict: { status: 'ok', reason: null },
    map,
    grid: gridOverWhole(map, original),
    overPicture: async () => map,
    original: () => Promise.reject(new Error('no picture is cut out here')),
  };
}

export interface Wanted {
  readonly box: boolean;
  readonly contour: boolean;
}

export interface Decided {
  readonly boxes: readonly MapBox[];
  readonly contours: readonly MapContour[];
  /** 1 for the map's pixels above the threshold. */
  readonly inside: Uint8Array;
  /** Of the picture's area. */
  readonly share: number;
}

/** What lies above the threshold: its largest part's box, the contours of all parts. */
export async function decide(
  map: MapPlane,
  original: { readonly width: number; readonly height: number },
  threshold: Threshold,
  { box, contour }: Wanted,
): Promise<Decided> {
  const view = viewOf(map, original);
  const [boxes, contours, inside] = await Promise.all([
    box ? boxesOf(view, { threshold }) : [],
    contour ? contoursOf(view, { threshold }) : [],
    insideOf(map.data, threshold, 'above'),
  ]);
  return { boxes, contours, inside, share: inside.reduce((sum, is) => sum + is, 0) / inside.length };
}
