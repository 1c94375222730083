import type { ErrorCode } from '../common/errors.ts';
import type { PredictedClass, ReportMaker, ReportResult } from '../report/data.ts';
import type { SmallMap, SmallPicture } from '../report/payload.ts';

// What the page and the server of `onnx-cam serve` say to each other. Every request carries `authorization: Bearer TOKEN`.
//
//   GET    api/state                  → ServeState
//   POST   api/models                 multipart: the .onnx, and files that go with it (external data, labels, settings) → ServedModel
//   DELETE api/models/ID
//   POST   api/pictures               multipart: one picture → ServedPicture
//   DELETE api/pictures/ID
//   POST   api/explanations           ExplanationRequest → lines of JSON (application/x-ndjson), each an ExplanationEvent; whoever
//                                     closes the connection stops the work
// Errors: a status of 4xx or 5xx and ServeError; of an explanation that was accepted (its model and picture are there, its queue is not
// full), an event. Addresses of page.js and page.css in the page hold the token: they can be fetched again as they stand there.

export interface ServeError {
  readonly code: ErrorCode;
  readonly message: string;
}

export interface ServeState {
  readonly version: string;
  /** Bytes of one upload. */
  readonly limits: { readonly model: number; readonly picture: number };
  readonly models: readonly ServedModel[];
  readonly pictures: readonly ServedPicture[];
  readonly techniques: readonly { readonly name: string; readonly title: string }[];
}

export interface ServedModel {
  readonly id: string;
  /** The file's. */
  readonly name: string;
  readonly layers: readonly ServedLayer[];
  readonly methods: readonly ServedMethod[];
  /** Of the classes, by index; null where none are known. */
  readonly labels: readonly (string | null)[] | null;
}

export interface ServedLayer {
  readonly name: string;
  readonly operator: string;
  readonly shape: readonly (number | string | null)[];
  /** The automatic choice. */
  readonly chosen: boolean;
  readonly reason: string | null;
}

export interface ServedMethod {
  readonly name: string;
  readonly title: string;
  readonly family: string;
  /** As `onnx-cam methods` says it. */
  readonly cost: string;
  /** Why this model doesn't have it; null where it has. */
  readonly refused: string | null;
}

export interface ServedPicture {
  readonly id: string;
  readonly name: string;
  /** Of the original. */
  readonly width: number;
  readonly height: number;
  readonly picture: SmallPicture;
}

export interface ExplanationRequest {
  readonly model: string;
  readonly picture: string;
  readonly method: string;
  /** Default: the automatic choice. */
  readonly layer?: string;
  /** As `--target` takes it; default: top1. */
  readonly target?: string;
  readonly technique?: string;
  readonly seed?: number;
}

/** Until 'result' or 'error', which is the last one. */
export type ExplanationEvent =
  /** So many explanations of the same model come first. */
  | { readonly type: 'waiting'; readonly before: number }
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  | ServedExplanation
  | ({ readonly type: 'error' } & ServeError);

/** What comes before the last one. */
export type Interim = Extract<ExplanationEvent, { type: 'waiting' | 'progress' }>;

export interface ServedExplanation {
  readonly type: 'result';
  readonly predictions: readonly PredictedClass[];
  readonly maker: ReportMaker;
  /** One for each target; `map` is the place in `maps`, `maker` and `warnings` those in this object. */
  readonly results: readonly ReportResult[];
  readonly maps: readonly SmallMap[];
  readonly warnings: readonly string[];
  readonly milliseconds: number;
  /** The same by the command line, with the files' own names, */
  readonly command: string;
  /** and as a program. */
  readonly program: string;
}
