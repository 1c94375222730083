import { Ahead } from './ahead.ts';
import type { ChunkProgress, ChunkReport } from './job.ts';
import type { Suspects } from './suspects.ts';

/** Keeps account of a chunk's inputs and writes it to the queue, one write at a time however many ask for it. */
export class ProgressWriter {
  readonly #write: (progress: ChunkProgress) => Promise<void>;
  readonly #suspects: Suspects;
  readonly #inputs: number;
  readonly #ahead = new Ahead();
  /** Inputs that the queue is told to be in work, each with the write that tells it. */
  readonly #inWork = new Map<number, Promise<void>>();
  readonly #begun = new Set<number>();
  readonly #settled = new Map<number, boolean>();
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /**
   * @param inputs how many the chunk has
   * @param write to the queue; rejections are those of {@link begin} and {@link end}
   */
  constructor(inputs: number, suspects: Suspects, write: (progress: ChunkProgress) => Promise<void>) {
    this.#inputs = inputs;
    this.#suspects = suspects;
    this.#write = write;
  }

  /** Resolves when the queue knows that the input is in work. Those behind it are likely to be next: they are told in good time. */
  begin(index: number): Promise<void> {
    this.#ahead.begun(performance.now());
    this.#begun.add(index);
    const told = this.#inWork.get(index) ?? this.#tell(index);
    const waiting = [...this.#inWork.keys()].filter(other => !this.#begun.has(other)).length;
    // What fails fails for the one that is begun then.
    if (waiting < (this.#ahead.count - 1) / 2) this.#tell(index).catch(() => {});
    return told;
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
    return this.#flush();
  }

  /** Tells that an input is in work, and some behind it; one that is suspected by itself. */
  #tell(first: number): Promise<void> {
    const { alone } = this.#suspects;
    const count = alone.includes(first) ? 1 : this.#ahead.count;
    const told = this.#flush();
    for (let index = first, left = count; index < this.#inputs && left > 0; index++) {
      if (index !== first && (this.#settled.has(index) || alone.includes(index))) continue;
      if (!this.#inWork.has(index)) this.#inWork.set(index, told);
      left--;
    }
    return told;
  }

  /** Writes how it stands, after the write that is on its way. */
  #flush(): Promise<void> {
    this.#next ??= this.#last
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        this.#last = this.#timed();
        return this.#last;
      });
    return this.#next;
  }

  async #timed(): Promise<void> {
    const { tries, counted } = this.#suspects;
    const begun = performance.now();
    await this.#write({ ...this.report, inWork: [...this.#inWork.keys()], tries, counted });
    this.#ahead.wrote(performance.now() - begun);
  }
}
