import type { OutputStore } from '../../stores/output-store.ts';
import { failureOf } from '../tell/failure.ts';
import type { FailedInput, SavedResult } from './reporter.ts';

/** A value as JSON for people, a line at a time. */
export function jsonLines(value: unknown): string[] {
  return JSON.stringify(value, null, 2).split('\n');
}

/** One result as a line of JSON; the paths of its files start at the working folder, ready to be opened, or are addresses. */
export function resultLine(
  { input, name, explanation, files, boxes }: SavedResult,
  store: Pick<OutputStore, 'pathOf'>,
): string {
  const { method, target, predictions, layer, status, reason, timings } = explanation;
  const paths = Object.fromEntries(Object.entries(files).map(([kind, file]) => [kind, store.pathOf(file)]));
  return JSON.stringify({
    input,
    ...(name.image === undefined ? {} : { image: name.image }),
    method,
    target,
    predictions,
    layer,
    status,
    reason,
    ...(boxes && { boxes }),
    files: paths,
    timings,
  });
}

export function failureLine({ input, method, error }: FailedInput): string {
  return JSON.stringify({ input, ...(method === undefined ? {} : { method }), error: failureOf(error) });
}
