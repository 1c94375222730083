import type { Progress } from '../common/progress.ts';

const INTERVAL = 100;

/** Counts items across the requests of one explanation; native loops add to `counter` from their threads. */
export class ProgressCounter {
  /** Items done. */
  readonly counter = new Int32Array(1);
  readonly #report: ((progress: Progress) => void) | undefined;
  #total = 0;
  #reported = -1;

  constructor(report: ((progress: Progress) => void) | undefined) {
    this.#report = report;
  }

  /** Announces `items` and reports at most every 100 ms while `task` works on them, and once at its end. */
  async track<T>(items: number, task: () => Promise<T>): Promise<T> {
    this.#total += items;
    if (!this.#report) return task();
    const timer = setInterval(() => this.#tell(), INTERVAL);
    timer.unref();
    try {
      const result = await task();
      this.#tell();
      return result;
    } finally {
      clearInterval(timer);
    }
  }

  #tell(): void {
    const done = this.counter[0]!;
    if (done === this.#reported) return;
    this.#reported = done;
    this.#report?.({ done, total: this.#total });
  }
}
