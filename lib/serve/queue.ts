import { onAbort } from '../common/abort-listeners.ts';
import { abortError, OnnxCamError } from '../common/errors.ts';

interface Entry {
  readonly begin: () => void;
  readonly refuse: (error: Error) => void;
  /** Ends the work. */
  readonly stop: AbortController;
  readonly moved: (before: number) => void;
}

export interface Joining {
  /** Ends waiting and work. */
  readonly signal: AbortSignal;
  /** Told how many come first, when that changes, as long as there are some. */
  readonly moved: (before: number) => void;
}

/** Work on one model: one task at a time, in the order of asking, and everybody knows how many come first. */
export class Queue {
  readonly #most: number;
  readonly #entries: Entry[] = [];
  #closed: Error | undefined;

  /** @param most that wait, besides the one in work */
  constructor(most: number) {
    this.#most = most;
  }

  /** In work or waiting. */
  get length(): number {
    return this.#entries.length;
  }

  /**
   * @param task gets a signal that also fires when the queue is closed
   * @throws at once `ERR_BUSY` where too many wait
   * @returns what the task gives; rejects with `ERR_ABORTED`, what the queue was closed with, and what the task rejects with
   */
  join<T>(task: (signal: AbortSignal) => Promise<T>, { signal, moved }: Joining): Promise<T> {
    if (this.#closed) throw this.#closed;
    if (this.#entries.length > this.#most)
      throw new OnnxCamError(
        'ERR_BUSY',
        `${this.#most} explanations wait for this model already: try again in a while`,
      );
    const stop = new AbortController();
    return new Promise<T>((resolve, reject) => {
      const entry: Entry = {
        stop,
        moved,
        refuse: reject,
        begin: () => {
          task(stop.signal)
            .catch(error => Promise.reject(this.#closed ?? error))
            .then(resolve, reject)
            .finally(() => {
              forget();
              this.#leave(entry);
            });
        },
      };
      const forget = onAbort(signal, () => {
        stop.abort(signal.reason);
        if (this.#entries.indexOf(entry) === 0) return;
        reject(abortError(signal));
        this.#leave(entry);
      });
      if (signal.aborted) return;
      this.#entries.push(entry);
      if (this.#entries.length === 1) entry.begin();
      else moved(this.#entries.length - 1);
    });
  }

  /** Ends all of it, and lets nobody in any more. */
  close(error: Error): void {
    this.#closed ??= error;
    const [working, ...waiting] = this.#entries;
    this.#entries.splice(1);
    for (const { refuse } of waiting) refuse(error);
    working?.stop.abort(error);
  }

  #leave(entry: Entry): void {
    const place = this.#entries.indexOf(entry);
    if (place < 0) return;
    this.#entries.splice(place, 1);
    if (place === 0) this.#entries[0]?.begin();
    for (const [before, { moved }] of this.#entries.entries()) if (before > 0 && before >= place) moved(before);
  }
}
