import type { ChunkProgress, ChunkReport } from './job.ts';
import type { Suspects } from './suspects.ts';

/** Keeps account of a chunk's inputs and writes it to the queue, one write at a time however many ask for it. */
export class ProgressWriter {
  readonly #write: (progress: ChunkProgress) => Promise<void>;
  readonly #suspects: Suspects;
  readonly #inWork = new Set<number>();
  readonly #settled = new Map<number, boolean>();
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** @param write to the queue; rejections are those of {@link begin} and {@link flush} */
  constructor(suspects: Suspects, write: (progress: ChunkProgress) => Promise<void>) {
    this.#suspects = suspects;
    this.#write = write;
  }

  /** Resolves when the queue knows that the input is in work. */
  begin(index: number): Promise<void> {
    this.#inWork.add(index);
    return this.flush();
  }

  /** Is written with the next one that is begun. */
  done(index: number, failed: boolean): void {
    this.#inWork.delete(index);
    this.#settled.set(index, failed);
  }

  get settled(): number {
    return this.#settled.size;
  }

  get report(): ChunkReport {
    const failed = [...this.#settled.values()].filter(isFailed => isFailed).length;
    return { done: this.#settled.size - failed, failed };
  }

  /** Writes that nothing is in work any more, so that nobody suspects what was. */
  end(): Promise<void> {
    this.#inWork.clear();
    return this.flush();
  }

  /** Writes how it stands, after the write that is on its way. */
  flush(): Promise<void> {
    this.#next ??= this.#last
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        this.#last = this.#write({
          ...this.report,
          inWork: [...this.#inWork],
          tries: this.#suspects.tries,
          counted: this.#suspects.counted,
        });
        return this.#last;
      });
    return this.#next;
  }
}
