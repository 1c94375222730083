import { abortError } from '../errors.ts';

/** Lets one task at a time through, in the order of asking. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** @throws `ERR_ABORTED` when the signal fires before the task's turn; and what the task throws */
  async take<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const before = this.#last;
    let done = () => {};
    this.#last = new Promise<void>(resolve => {
      done = resolve;
    });
    try {
      await untilAborted(before, signal);
    } catch (error) {
      // Whoever comes next still waits for those before.
      before.then(done);
      throw error;
    }
    try {
      return await task();
    } finally {
      done();
    }
  }
}

function untilAborted(turn: Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
  if (!signal) return turn;
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortError(signal));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    turn.then(value => {
      signal.removeEventListener('abort', abort);
      resolve(value);
    });
  });
}
