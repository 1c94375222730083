import { Turns } from '../common/turns.ts';

/**
 * Milliseconds without several pictures in work after which the next one counts as alone: long enough that the last picture
 * of a folder, or a pause between two requests, does not cost a session of its own.
 */
const QUIET = 250;

/** Inputs per network run on a device; on a CPU more than one gain nothing. */
const DEVICE_BATCH = 4;

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
  readonly #now: () => number;
  #pictures = 0;
  #crowded = Number.NEGATIVE_INFINITY;

  /** @param sideBySide false where one run at a time keeps the device busy */
  constructor(
    threads: number,
    { sideBySide, now = () => performance.now() }: { readonly sideBySide: boolean; readonly now?: () => number },
  ) {
    this.threads = threads;
    this.sideBySide = sideBySide;
    this.#turns = new Turns(threads);
    this.#now = now;
  }

  /**
   * Pictures that are worth having in work at the same time: for each run one that is under way and one that is read or finished
   * meanwhile, and one more for what is uneven.
   */
  get concurrency(): number {
    return this.sideBySide ? 2 * this.threads + 1 : 2;
  }

  /**
   * How many inputs share a run.
   * @param fixed the model's own batch size
   * @param asked by the caller
   */
  inputsPerRun(fixed: number | undefined, asked: number | undefined): number {
    return fixed ?? asked ?? (this.sideBySide ? 1 : DEVICE_BATCH);
  }

  /** How many threads a run takes that is asked for now. */
  get share(): number {
    if (this.#pictures > 1) this.#crowded = this.#now();
    return this.sideBySide && this.#now() - this.#crowded < QUIET ? 1 : this.threads;
  }

  /** @returns what ends the pictures' work */
  begin(pictures: number): () => void {
    this.#pictures += pictures;
    return () => {
      if (this.#pictures > 1) this.#crowded = this.#now();
      this.#pictures -= pictures;
    };
  }

  /**
   * Runs a task as soon as so many threads are free, in the order of asking.
   * @throws `ERR_ABORTED`, and what the task throws
   */
  run<T>(task: () => Promise<T>, share: number, signal: AbortSignal | undefined): Promise<T> {
    return this.#turns.take(task, signal, share);
  }
}
