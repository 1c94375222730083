import type { Chunk } from './chunk.ts';

/** What lies in the queue for a chunk. */
export interface ChunkJob {
  readonly chunk: Chunk;
  /** From 1; a further job goes on with the same chunk where workers died of it (`goes-on.ts`). */
  readonly round: number;
  /** How often a process ended with an input in work, in earlier rounds; keys are indices. */
  readonly tries: Tries;
  /** Put back by hand: the server's count of workers that ended with it is of before. */
  readonly retried?: boolean;
  /** Inputs that failed are done again. */
  readonly retryFailed?: boolean;
}

export type Tries = Readonly<Record<string, number>>;

/** What is kept of a chunk that is done without a failed input, in the place of {@link ChunkJob}. */
export interface DoneJob {
  readonly inputs: number;
}

/** The result of a chunk's job. */
export interface ChunkReport {
  /** Inputs with results, and those with recorded errors. */
  readonly done: number;
  readonly failed: number;
  /** The job that goes on with the rest. */
  readonly continued?: string;
}

/** What a job says while it is in work. */
export interface ChunkProgress {
  readonly done: number;
  readonly failed: number;
  /** Inputs that were begun and aren't done. */
  readonly inWork: readonly number[];
  readonly tries: Tries;
  /** Whether a process ended with an input in work in this round. */
  readonly counted: boolean;
}

/** Of a job that nobody has begun. */
export const NO_PROGRESS: ChunkProgress = { done: 0, failed: 0, inWork: [], tries: {}, counted: false };

/** How jobs are kept: the ids of what is done stay known, so that it is not done again. */
export const JOB_OPTIONS = {
  // A worker may lack what another one has: a mounted folder, memory.
  attempts: 3,
  backoff: { type: 'exponential', delay: 5_000 },
  removeOnComplete: { age: 30 * 24 * 60 * 60, count: 100_000 },
  removeOnFail: false,
  stackTraceLimit: 1,
} as const;

export const JOB_NAME = 'chunk';

/** The id of a round's job. */
export function roundId(chunkId: string, round: number): string {
  return round === 1 ? chunkId : `${chunkId}-${round}`;
}
