import type { Progress } from '../common/progress.ts';

/**
 * What one `explain` call reports: images done, or where score methods run the passes of all of them, whose total grows
 * as further images and layers begin.
 */
export class CallProgress {
  readonly #report: (progress: Progress) => void;
  readonly #parts: Progress[] = [];

  constructor(report: (progress: Progress) => void) {
    this.#report = report;
  }

  /** A listener for the passes of one scorer. */
  part(): (progress: Progress) => void {
    const index = this.#parts.push({ done: 0, total: 0 }) - 1;
    return progress => {
      this.#parts[index] = progress;
      const sum = (key: keyof Progress) => this.#parts.reduce((total, part) => total + part[key], 0);
      this.#report({ done: sum('done'), total: sum('total') });
    };
  }

  images(progress: Progress): void {
    if (this.#parts.length === 0) this.#report(progress);
  }
}
