import type { ErrorCode } from '../common/errors.ts';
import { type FailedRow, type MapMaker, makerKey } from '../evaluation/rows.ts';
import type { Size } from '../image/geometry.ts';
import type { MapStatus } from '../result/status.ts';
import type { PredictedClass, ReportResult } from './data.ts';
import type { SmallCurve, SmallMap, SmallPicture } from './payload.ts';

/** An image of an evaluation as its page shows it: a line of pictures.jsonl. A later line of the same image adds to it. */
export interface EvaluatedPicture {
  /** The input, as it was given, and its place in the run: as its rows have them. */
  readonly name: string;
  readonly index: number;
  /** Of the original; null where it could not be read. */
  readonly size: Size | null;
  /** null where an earlier line has it. */
  readonly picture: SmallPicture | null;
  readonly predictions: readonly PredictedClass[];
  readonly correct: boolean | null;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  readonly maps: readonly EvaluatedMapLine[];
}

/** A map with what its rows do not say. */
export interface EvaluatedMapLine extends MapMaker {
  readonly target: ReportResult['target'];
  readonly status: MapStatus;
  readonly reason: string | null;
  readonly warnings: readonly string[];
  /** That were explained, as text. */
  readonly layers: string;
  /** null where its values are not finite. */
  readonly map: SmallMap | null;
  /** By metric. */
  readonly curves: Readonly<Record<string, SmallCurve>>;
}

/** Equal for lines and rows of the same image. */
export function imageKey(index: number, name: string): string {
  return JSON.stringify([index, name]);
}

/** The line of an image that could not be explained or measured. */
export function failedPicture({ image, index, error }: FailedRow): EvaluatedPicture {
  return { name: image, index, size: null, picture: null, predictions: [], correct: null, error, maps: [] };
}

/** Several lines of one image: what a later one says of a map goes before, curves of several metrics go together. */
export function joinedLines(lines: readonly EvaluatedPicture[]): EvaluatedPicture {
  const maps = new Map<string, EvaluatedMapLine>();
  for (const map of lines.flatMap(line => line.maps)) {
    const key = makerKey(map);
    maps.set(key, { ...map, curves: { ...maps.get(key)?.curves, ...map.curves } });
  }
  const last = lines.at(-1)!;
  return {
    ...last,
    size: lines.findLast(({ size }) => size)?.size ?? null,
    picture: lines.findLast(({ picture }) => picture)?.picture ?? null,
    predictions: lines.findLast(({ predictions }) => predictions.length > 0)?.predictions ?? [],
    error: maps.size > 0 ? null : last.error,
    maps: [...maps.values()],
  };
}
