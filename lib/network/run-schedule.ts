import { Turns } from '../common/turns.ts';

/**
 * How an explainer's runs share its threads. Of several pictures in work each runs on one thread, side by side: no thread
 * waits for another's share of an operator, which costs a third of the throughput on two cores. A picture alone is served
 * by all of them, for its latency.
 */
export class RunSchedule {
  /** The thread budget. */
  readonly threads: number;
  /** Whether several runs may be under way. */
  readonly sideBySide: boolean;
  readonly #turns: Turns;
  #pictures = 0;

  /** @param sideBySide false where one run at a time keeps the device busy */
  constructor(threads: number, { sideBySide }: { readonly sideBySide: boolean }) {
    this.threads = threads;
    this.sideBySide = sideBySide;
    this.#turns = new Turns(threads);
  }

  /** Pictures that are worth having in work at the same time: one for each run, and one that is read meanwhile. */
  get concurrency(): number {
    return this.sideBySide ? this.threads + 1 : 2;
  }

  /** How many threads a run takes that is asked for now. */
  get share(): number {
    return this.sideBySide && this.#pictures > 1 ? 1 : this.threads;
  }

  /** @returns what ends the pictures' work */
  begin(pictures: number): () => void {
    this.#pictures += pictures;
    return () => void (this.#pictures -= pictures);
  }

  /**
   * Runs a task as soon as so many threads are free, in the order of asking.
   * @throws `ERR_ABORTED`, and what the task throws
   */
  run<T>(task: () => Promise<T>, share: number, signal: AbortSignal | undefined): Promise<T> {
    return this.#turns.take(task, signal, share);
  }
}
