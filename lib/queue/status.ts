import type { ChunkStanding, ChunkState } from './tally.ts';

/** How a queue stands. */
export interface QueueStatus {
  readonly chunks: Readonly<Record<ChunkState, number>>;
  readonly pictures: {
    readonly total: number;
    /** Not begun, or begun and not done; those of failed chunks not. */
    readonly waiting: number;
    readonly done: number;
    /** With a recorded error. */
    readonly failed: number;
    /** Neither done nor failed, of chunks that failed as a whole. */
    readonly left: number;
  };
  /** Chunks that failed as a whole. */
  readonly failures: readonly QueueFailure[];
  /** Workers that are there. */
  readonly workers: number;
}

export interface QueueFailure {
  readonly id: string;
  readonly inputs: number;
  readonly out: string | null;
  readonly reason: string;
}

/** Sums of chunks, of which each counts as it stands last. */
export class Sums {
  readonly #standings = new Map<string, ChunkStanding>();

  set(id: string, standing: ChunkStanding): void {
    this.#standings.set(id, standing);
  }

  get(id: string): ChunkStanding | undefined {
    return this.#standings.get(id);
  }

  ids(): IterableIterator<string> {
    return this.#standings.keys();
  }

  delete(id: string): void {
    this.#standings.delete(id);
  }

  status(workers: number): QueueStatus {
    const chunks = { waiting: 0, inWork: 0, done: 0, failed: 0 };
    const pictures = { total: 0, waiting: 0, done: 0, failed: 0, left: 0 };
    const failures: QueueFailure[] = [];
    for (const [id, { state, inputs, done, failed, reason, out }] of this.#standings) {
      chunks[state]++;
      pictures.total += inputs;
      pictures.done += done;
      pictures.failed += failed;
      pictures[state === 'failed' ? 'left' : 'waiting'] += Math.max(0, inputs - done - failed);
      if (state === 'failed') failures.push({ id, inputs, out: out ?? null, reason: reason ?? 'unknown' });
    }
    return { chunks, pictures, failures, workers };
  }
}
