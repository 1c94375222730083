import { OnnxCamError } from '../common/errors.ts';
import { Turns } from '../common/turns.ts';

/** Does a task when there is a place for it. @throws `ERR_ABORTED`, `ERR_DISPOSED`, and what the task throws */
export type InPlace = <T>(task: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>;

/** For images that something else holds back. */
export const AT_ONCE: InPlace = task => task();

/**
 * Which calls an explainer accepts, and how many images of theirs are in work at once. The others wait in the order of asking,
 * before anything of them is read.
 */
export class Admission {
  readonly #places: Turns;
  readonly #maxQueue: number;
  #pending = 0;

  /**
   * @param atOnce images, or batches of them, in work
   * @param maxQueue calls that may be pending
   */
  constructor(atOnce: number, maxQueue = Number.POSITIVE_INFINITY) {
    this.#places = new Turns(atOnce);
    this.#maxQueue = maxQueue;
  }

  /** Calls that were accepted and have not settled, whether they wait or are in work. */
  get pending(): number {
    return this.#pending;
  }

  /** Counts a call while it is pending. @throws `ERR_BUSY` where there are too many, and what the task throws */
  async call<T>(task: () => Promise<T>): Promise<T> {
    if (this.#pending >= this.#maxQueue) throw this.#busy();
    this.#pending++;
    try {
      return await task();
    } finally {
      this.#pending--;
    }
  }

  /** For an image or a batch of an accepted call. */
  readonly inPlace: InPlace = (task, signal) => this.#places.take(task, signal);

  /** Ends what waits with `ERR_DISPOSED`; what is in work goes on. */
  close(): void {
    this.#places.close(
      () => new OnnxCamError('ERR_DISPOSED', 'the explainer was disposed while this call waited; load the model again'),
    );
  }

  #busy(): OnnxCamError {
    const [count, calls] = [this.#pending, this.#pending === 1 ? 'call is' : 'calls are'];
    return new OnnxCamError(
      'ERR_BUSY',
      `${count} ${calls} pending and maxQueue is ${this.#maxQueue}: try again when one has settled (an HTTP service answers 503 ` +
        'with Retry-After), or load the model with a larger maxQueue',
    );
  }
}
