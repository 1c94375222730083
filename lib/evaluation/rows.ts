import type { ErrorCode } from '../common/errors.ts';
import type { MapStatus } from '../result/status.ts';

/** The columns of metrics.csv, in their order. */
export const COLUMNS = [
  'image',
  'index',
  'class',
  'label',
  'probability',
  'correct',
  'method',
  'layer',
  'convention',
  'params',
  'metric',
  'value',
  'status',
  'reason',
  'runs',
  'ms',
] as const;

/** What a map was made by. */
export interface MapMaker {
  /** A method, or one of the controls. */
  readonly method: string;
  /** As it was asked for: a name, or several with `+`. */
  readonly layer: string;
  /** Of the metric, and with it of the map. */
  readonly convention: string;
  /** Parameters and techniques as JSON; '' where there are none. */
  readonly params: string;
}

/** One metric's value for one map of one image. */
export interface MetricRow extends MapMaker {
  /** The input, as it was given. */
  readonly image: string;
  /** Place of the image in the run, from 0. */
  readonly index: number;
  /** Index of the class that is explained; null where the target is none. */
  readonly class: number | null;
  /** Its name; null where none is known. */
  readonly label: string | null;
  /** Of that class; null where there is none. */
  readonly probability: number | null;
  /** Whether the network's first class is the truth's; null where no truth names one. */
  readonly correct: boolean | null;
  /** Canonical name. */
  readonly metric: string;
  /** null where it is not defined, with a reason. */
  readonly value: number | null;
  /** Of the map. */
  readonly status: MapStatus;
  /** Why there is no value. */
  readonly reason: string | null;
  /** Forward passes, counted in images. */
  readonly runs: number;
  /** Milliseconds that the metric took for this map. */
  readonly ms: number;
}

/** An image that could not be explained or measured. */
export interface FailedRow {
  /** The input, as it was given. */
  readonly image: string;
  /** Place of the image in the run, from 0. */
  readonly index: number;
  /** What was wrong with it. */
  readonly error: { readonly code: ErrorCode; readonly message: string };
}

/** A row of an evaluation: a value, or an image that failed (which has `error`). */
export type EvaluationRow = MetricRow | FailedRow;

export function isFailed(row: EvaluationRow): row is FailedRow {
  return 'error' in row;
}

/** Parameters as a text that is equal for equal ones, whatever their order. */
export function paramsText(params: unknown): string {
  const text = JSON.stringify(params, (_, value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return text === undefined || text === '{}' ? '' : text;
}

/** Equal for what the same maker made. */
export function makerKey({ method, layer, convention, params }: MapMaker): string {
  return JSON.stringify([method, layer, convention, params]);
}

/** Equal for rows about the same map and metric of the same image. */
export function rowKey({ image, index, method, layer, convention, params, metric }: RowPlace): string {
  return JSON.stringify([image, index, method, layer, convention, params, metric]);
}

export type RowPlace = MapMaker & Pick<MetricRow, 'image' | 'index' | 'metric'>;
