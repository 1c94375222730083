import { onAbort } from './abort-listeners.ts';
import { abortError, throwIfAborted } from './errors.ts';

/** Lets tasks through in the order of asking, as long as what they take together is there. */
export class Turns {
  readonly #waiting: { readonly share: number; readonly begin: () => void }[] = [];
  readonly #all: number;
  #free: number;

  constructor(atOnce = 1) {
    this.#all = atOnce;
    this.#free = atOnce;
  }

  /**
   * @param share how much the task takes of what may run at once; whoever asked later waits behind a large one
   * @throws `ERR_ABORTED` when the signal fires before the task's turn; and what the task throws
   */
  async take<T>(task: () => Promise<T>, signal: AbortSignal | undefined, share = 1): Promise<T> {
    const taken = Math.min(share, this.#all);
    if (this.#waiting.length === 0 && this.#free >= taken) this.#free -= taken;
    else await this.#turn(taken, signal);
    try {
      throwIfAborted(signal);
      return await task();
    } finally {
      this.#free += taken;
      this.#letIn();
    }
  }

  #turn(share: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let forget = () => {};
      const waiting = {
        share,
        begin: () => {
          forget();
          resolve();
        },
      };
      this.#waiting.push(waiting);
      if (signal)
        forget = onAbort(signal, () => {
          this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
          reject(abortError(signal));
          // Who waited behind it may need less.
          this.#letIn();
        });
    });
  }

  #letIn(): void {
    while (this.#waiting.length > 0 && this.#free >= this.#waiting[0]!.share) {
      const { share, begin } = this.#waiting.shift()!;
      this.#free -= share;
      begin();
    }
  }
}
