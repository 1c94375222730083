import { setTimeout as sleep } from 'node:timers/promises';
import { abortError, throwIfAborted } from '../common/errors.ts';
import { RemoteFailure } from './remote-failure.ts';

const TRIES = 5;
/** Milliseconds before the second try; doubled for each further one. */
const FIRST_PAUSE = 200;
/** Milliseconds; a server that wants a longer pause is not waited for. */
const LONGEST_PAUSE = 30_000;

/**
 * Tries again what failed in a way that may pass, up to five times, with growing pauses of uneven length: many workers would otherwise
 * come back at the same moment.
 * @throws what the last try threw; `ERR_ABORTED`
 */
export async function withRetries<T>(attempt: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (let tried = 1; ; tried++) {
    throwIfAborted(signal);
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RemoteFailure) || error.kind !== 'temporary' || tried === TRIES) throw error;
      const pause = error.retryAfter ?? FIRST_PAUSE * 2 ** (tried - 1) * (0.5 + Math.random());
      if (pause > LONGEST_PAUSE) throw error;
      await sleep(pause, undefined, signal && { signal }).catch(() => {
        throw abortError(signal);
      });
    }
  }
}
