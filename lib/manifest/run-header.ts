import { isRecord } from '../common/checks.ts';
import { jsonRecord } from '../common/json-record.ts';
import { visible } from '../common/visible.ts';

/** What a run was: the first line of its manifest is `{ "run": … }` of it. */
export interface RunHeader {
  /** Of onnx-cam, node and onnxruntime. */
  readonly versions: Readonly<Record<string, string | null>>;
  /** The model's path, as it was given. */
  readonly model: string | null;
  /** SHA-256 of the model; null where the run was interrupted before that was known. */
  readonly sha256: string | null;
  /** All that decides what the results are, and how they are written. */
  readonly options: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly started: string;
}

/** Somebody will print it on a terminal. */
export function headerLine(run: RunHeader): string {
  return visible(JSON.stringify({ run }));
}

/** @returns undefined for a line that is none */
export function parseHeader(line: string): RunHeader | undefined {
  const run = jsonRecord(line)?.run;
  if (!isRecord(run) || !isRecord(run.versions) || !isRecord(run.options)) return undefined;
  const text = (given: unknown) => (typeof given === 'string' ? given : null);
  return {
    versions: Object.fromEntries(Object.entries(run.versions).map(([name, version]) => [name, text(version)])),
    model: text(run.model),
    sha256: text(run.sha256),
    options: run.options,
    started: text(run.started) ?? '',
  };
}

/** What differs between two runs, for people; undefined where results of one are those of the other. */
export function headerDifference(earlier: RunHeader, now: RunHeader): string | undefined {
  const version = 'onnx-cam';
  if (earlier.versions[version] !== now.versions[version]) return `by version ${earlier.versions[version]}`;
  if (earlier.sha256 !== now.sha256) return 'of another model';
  const names = [...new Set([...Object.keys(earlier.options), ...Object.keys(now.options)])];
  const differing = names.filter(name => JSON.stringify(earlier.options[name]) !== JSON.stringify(now.options[name]));
  return differing.length === 0 ? undefined : `with another ${differing.join(', ')}`;
}
