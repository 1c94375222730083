import { onAbort } from './abort-listeners.ts';
import { abortError, throwIfAborted } from './errors.ts';

interface Waiting {
  readonly share: number;
  readonly begin: () => void;
  readonly refuse: (reason: Error) => void;
}

/** Lets tasks through in the order of asking, as long as what they take together is there. */
export class Turns {
  readonly #waiting: Waiting[] = [];
  readonly #all: number;
  #free: number;
  #closed: (() => Error) | undefined;

  constructor(atOnce = 1) {
    this.#all = atOnce;
    this.#free = atOnce;
  }

  /**
   * @param share how much the task takes of what may run at once; whoever asked later waits behind a large one
   * @throws `ERR_ABORTED` when the signal fires before the task's turn, the reason of {@link close}, and what the task throws
   */
  async take<T>(task: () => Promise<T>, signal: AbortSignal | undefined, share = 1): Promise<T> {
    if (this.#closed) throw this.#closed();
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

  /** Lets nobody in any more: who waits is told why at once. Tasks that have begun go on. */
  close(reason: () => Error): void {
    this.#closed ??= reason;
    for (const { refuse } of this.#waiting.splice(0)) refuse(reason());
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
        refuse: (reason: Error) => {
          forget();
          reject(reason);
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
