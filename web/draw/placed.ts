import type { ReportResult } from '../../lib/report/data.ts';
import type { PhotoPayload } from '../../lib/report/payload.ts';
import type { MapPlane } from '../../lib/result/boxes.ts';
import { payloadOf } from '../state/payloads.ts';
import { report } from '../state/report.ts';
import { grey, type Pixels, pixelsOf } from './pictures.ts';
import { placeMap } from './place-map.ts';

/** A photograph at a size with a map over it. */
export interface Placed {
  readonly pixels: Pixels;
  /** null where there is no map, or one that says nothing: its status is not 'ok'. */
  readonly map: MapPlane | null;
  readonly width: number;
  readonly height: number;
}

/** Of pictures that are gone. */
const USUAL_SIDE = 448;

/**
 * @param photo its place in the report
 * @param size pixels of the longer side at most; default: as it is stored
 */
export async function placed(photo: number, result: ReportResult | null, size?: number): Promise<Placed> {
  const { width: across, height: down, ...where } = report.value.photos[photo]!;
  const payload = await payloadOf({ width: across, height: down, ...where });
  const stored = payload.picture ?? sized({ width: across, height: down }, USUAL_SIDE);
  const { width, height } = size === undefined ? stored : sized(stored, size);
  const pixels = payload.picture
    ? await pixelsOf(`${where.chunk}/${where.place}`, payload.picture, width, height)
    : grey(width, height);
  return { pixels, map: mapOf(payload, result, width, height), width, height };
}

function mapOf({ maps }: PhotoPayload, result: ReportResult | null, width: number, height: number): MapPlane | null {
  if (result === null || result.map === null || result.status !== 'ok') return null;
  return placeMap(maps[result.map]!, width, height);
}

function sized({ width, height }: { width: number; height: number }, side: number): { width: number; height: number } {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
