import { onAbort } from './abort-listeners.ts';
import { abortError } from './errors.ts';

/**
 * Settles as the promise does, or as soon as the signal fires; what the promise stands for goes on.
 * @throws `ERR_ABORTED`, and what the promise rejects with
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(abortError(signal)));
    promise.then(resolve, reject).finally(forget);
  });
}
