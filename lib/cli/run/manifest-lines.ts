import { failureOf } from '../tell/failure.ts';
import type { FailedInput, SavedResult } from './reporter.ts';

/** What a manifest says of a result: everything but pixels. */
export function resultRecord({ input, name, explanation, files, boxes }: SavedResult): object {
  return {
    input,
    stem: name.stem,
    ...(name.image === undefined ? {} : { image: name.image }),
    ...explanation.toJSON(),
    ...(boxes && { boxes }),
    files,
  };
}

/** What it says of an input without results, or of one that could not be written. */
export function failureRecord({ input, stem, method, error }: FailedInput): object {
  return {
    input,
    ...(stem === undefined ? {} : { stem }),
    ...(method === undefined ? {} : { method }),
    error: failureOf(error),
  };
}
