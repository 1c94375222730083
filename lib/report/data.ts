import type { ErrorCode } from '../common/errors.ts';
import type { MeanCurve } from '../evaluation/curves.ts';
import type { MapMaker } from '../evaluation/rows.ts';
import type { EvaluationSummary } from '../evaluation/summary.ts';
import type { MapStatus } from '../result/status.ts';

// What a report says, as JSON: written by this folder, read by web/. Photographs and maps lie apart, in chunks (payload.ts).

/** All but pixels and maps. */
export interface ReportData {
  /** Version of onnx-cam that made the page. */
  readonly version: string;
  /** When, in ISO 8601. */
  readonly made: string;
  /** One, or two that are compared. */
  readonly runs: readonly ReportRun[];
  readonly photos: readonly ReportPhoto[];
  /** Pictures that the runs have besides: of an evaluation of thousands only the first ones are shown. */
  readonly leftOut: number;
  /** The folder beside the page whose files photos-N.js hold photographs and maps; null: the page holds them itself. */
  readonly payloads: string | null;
}

export interface ReportRun {
  /** Folder or model file, without its path. */
  readonly name: string;
  readonly model: { readonly path: string | null; readonly sha256: string | null };
  readonly versions: Readonly<Record<string, string | null>>;
  readonly started: string;
  /** What made the maps; results name their place here. */
  readonly makers: readonly ReportMaker[];
  /** Said of results, which name their places here. */
  readonly warnings: readonly string[];
  /** Of evaluations. */
  readonly summary: EvaluationSummary | null;
  /** Mean curves of evaluations. */
  readonly curves: readonly MeanCurve[];
}

/** A method with all that makes its maps differ from another's of the same run. */
export interface ReportMaker extends MapMaker {
  /** Names of the techniques, innermost first, with `+`; '' without. */
  readonly technique: string;
  /** Random, centred and constant maps of evaluations. */
  readonly control: boolean;
}

export interface ReportPhoto {
  /** The input, as it was given; of one of several images in a tensor with its place. */
  readonly name: string;
  /** Of the original, in pixels, as boxes count them. */
  readonly width: number;
  readonly height: number;
  /** Where its picture and maps lie. */
  readonly chunk: number;
  readonly place: number;
  /** What each run says of it, by the run's place; null where a run hasn't got it. */
  readonly runs: readonly (PhotoInRun | null)[];
}

export interface PhotoInRun {
  /** The model's best classes. */
  readonly predictions: readonly PredictedClass[];
  /** Whether the first of them is the truth's; null where no truth names one. */
  readonly correct: boolean | null;
  /** Where it could not be explained. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  readonly results: readonly ReportResult[];
}

export interface PredictedClass {
  readonly index: number;
  readonly label: string | null;
  readonly probability: number | null;
}

export interface ReportResult {
  /** Place in the run's makers. */
  readonly maker: number;
  readonly target: PredictedClass & { readonly score: number | null; readonly kind: string };
  readonly status: MapStatus;
  readonly reason: string | null;
  /** Places in the run's warnings. */
  readonly warnings: readonly number[];
  /** Layers that were explained. */
  readonly layer: string;
  /** Place in the payload's maps; null where there is none. */
  readonly map: number | null;
  /** Values by the metric's name, of evaluations. */
  readonly metrics: Readonly<Record<string, number | null>>;
}
