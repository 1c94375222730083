import { onAbort } from './abort-listeners.ts';
import { abortError, throwIfAborted } from './errors.ts';

/** Lets so many tasks through at once, in the order of asking. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atOnce = 1) {
    this.#free = atOnce;
  }

  /** @throws `ERR_ABORTED` when the signal fires before the task's turn; and what the task throws */
  async take<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      throwIfAborted(signal);
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let forget = () => {};
      const begin = () => {
        forget();
        resolve();
      };
      this.#waiting.push(begin);
      if (signal)
        forget = onAbort(signal, () => {
          this.#waiting.splice(this.#waiting.indexOf(begin), 1);
          reject(abortError(signal));
        });
    });
  }
}
