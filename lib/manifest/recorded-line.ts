import { isRecord } from '../common/checks.ts';
import { jsonRecord } from '../common/json-record.ts';

/** What a later run needs of a manifest's line. */
export interface RecordedLine {
  /** First part of the names of the input's files; null where the input stands for none. */
  readonly stem: string | null;
  readonly input: string;
  /** Names of its files, relative to the manifest's folder. */
  readonly files: readonly string[];
  /** Code of its error; null for a result. */
  readonly error: string | null;
  /** Whether the input has no more lines. */
  readonly last: boolean;
}

/** @returns undefined for a text that is no line of a manifest */
export function parseLine(text: string): RecordedLine | undefined {
  const value = jsonRecord(text);
  if (typeof value?.input !== 'string') return undefined;
  const { input, stem, files, error, method, last } = value;
  return {
    input,
    stem: typeof stem === 'string' ? stem : null,
    files: isRecord(files) ? Object.values(files).filter(name => typeof name === 'string') : [],
    error: error === undefined ? null : isRecord(error) && typeof error.code === 'string' ? error.code : '',
    // An input that failed as a whole has but this line.
    last: last === true || (error !== undefined && method === undefined),
  };
}
