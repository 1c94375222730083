import { isRecord } from '../common/checks.ts';
import { jsonRecord } from '../common/json-record.ts';
import type { MeanCurve } from './curves.ts';
import { paramsText } from './rows.ts';

/** What values depend on besides image, method and metric: rows of another run with all of it equal hold for this one. */
export interface RunIdentity {
  /** Of onnx-cam. */
  readonly version: string;
  /** SHA-256 of the model. */
  readonly model: string;
  /** Target, preprocessing, truth, seed, precision and what else there is. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Parameters by metric, defaults filled in. */
  readonly metrics: Readonly<Record<string, unknown>>;
}

/** curves.json: mean curves, and the run that they and the rows beside them belong to. */
export interface RunRecord {
  readonly run: RunIdentity;
  /** Rows that the curves are made of, from the first such row of the table on. */
  readonly rows: number;
  readonly curves: readonly MeanCurve[];
}

/** Nothing where the text is none. */
export function parseRunRecord(text: string): RunRecord | undefined {
  const value = jsonRecord(text);
  if (!value || !isIdentity(value.run)) return undefined;
  if (!Number.isSafeInteger(value.rows) || !Array.isArray(value.curves) || !value.curves.every(isCurve))
    return undefined;
  return value as unknown as RunRecord;
}

export function isIdentity(value: unknown): value is RunIdentity {
  if (!isRecord(value) || !isRecord(value.settings) || !isRecord(value.metrics)) return false;
  return typeof value.version === 'string' && typeof value.model === 'string';
}

/** Whether two runs have a metric with equal parameters. */
export function isSameMetric(a: RunIdentity, b: RunIdentity, metric: string): boolean {
  return paramsText(a.metrics[metric]) === paramsText(b.metrics[metric]);
}

const MAKER = ['method', 'layer', 'convention', 'params', 'metric'];

function isCurve(value: unknown): boolean {
  if (!isRecord(value) || !MAKER.every(name => typeof value[name] === 'string')) return false;
  const { n, x, y } = value;
  const isNumbers = (list: unknown) => Array.isArray(list) && list.every(Number.isFinite);
  return (
    Number.isSafeInteger(n) &&
    (n as number) > 0 &&
    isNumbers(x) &&
    isNumbers(y) &&
    (x as []).length === (y as []).length
  );
}

/** What differs between two runs, for people; nothing where rows of one hold for the other. */
export function differenceOf(earlier: RunIdentity, now: RunIdentity): string | undefined {
  if (earlier.version !== now.version) return `it was made by version ${earlier.version}`;
  if (earlier.model !== now.model) return 'it is of another model';
  const names = [...new Set([...Object.keys(earlier.settings), ...Object.keys(now.settings)])];
  const differing = names.filter(name => paramsText(earlier.settings[name]) !== paramsText(now.settings[name]));
  return differing.length === 0 ? undefined : `it was made with another ${differing.join(', ')}`;
}
