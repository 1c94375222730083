import { randomUUID } from 'node:crypto';
import type { Chunk } from './chunk.ts';
import type { DoChunk } from './do-chunk.ts';
import { doJob, type Outcome } from './do-job.ts';
import { persist } from './persist.ts';
import { queueError } from './queue-error.ts';
import { type ChunkQueue, type HoldTimes, type QueueServer, reasonOf } from './server.ts';

/** A worker that dies is noticed within the lock, and a check. */
const HOLD: HoldTimes = { lock: 30_000, check: 15_000 };

/** Chunks that may fail as a whole, one after the other, before a worker counts as broken and leaves the rest to others. */
const MOST_FAILED = 3;

export interface WorkOptions {
  readonly doChunk: DoChunk;
  /** Of this onnx-cam: chunks of others are refused. */
  readonly version: string;
  /** Fires when the worker is to end: it finishes the pictures in work and gives the rest of its chunk back. */
  readonly signal: AbortSignal;
  /** End when nothing waits and nothing is in work any more. */
  readonly untilEmpty: boolean;
  readonly watcher: WorkWatcher;
  readonly hold?: HoldTimes;
}

/** Who is told what a worker does. */
export interface WorkWatcher {
  taken(chunk: Chunk): void;
  settled(outcome: Outcome): void;
  /** The server has gone, and is waited for. */
  waiting(reason: string): void;
}

/**
 * Does the queue's chunks, one at a time, until the signal fires.
 * @throws `ERR_QUEUE` for a chunk of another version, after several chunks that failed as a whole; what makes this machine
 * unable to do any chunk
 */
export async function work(server: QueueServer, options: WorkOptions): Promise<void> {
  const { signal, watcher, untilEmpty, hold = HOLD } = options;
  const queue = await server.openQueue();
  const worker = await server.openWorker(hold);
  const patience = { signal, waiting: (reason: unknown) => watcher.waiting(reasonOf(reason)) };
  worker.on('error', patience.waiting);
  let failedInRow = 0;
  try {
    await worker.startStalledCheckTimer();
    while (!signal.aborted) {
      if (untilEmpty && (await persist(() => isEmpty(queue), patience))) return;
      const token = randomUUID();
      const job = await persist(() => worker.getNextJob(token), patience);
      if (!job) continue;
      const taken = (chunk: Chunk) => watcher.taken(chunk);
      const outcome = await doJob(job, token, { ...patience, ...options, queue, lock: hold.lock, taken });
      watcher.settled(outcome);
      if (outcome.kind === 'done') failedInRow = 0;
      if (outcome.kind === 'failed' && outcome.again && ++failedInRow === MOST_FAILED)
        throw queueError(
          `${MOST_FAILED} chunks one after the other failed as a whole, the last with ${outcome.error.code}: ${outcome.error.message}; this worker ends, so that it does not fail all others too`,
          outcome.error,
        );
    }
  } finally {
    // Nothing is in work by now. A server that is away is not waited for.
    await worker.close(true).catch(() => {});
    await queue.close().catch(() => {});
  }
}

async function isEmpty(queue: ChunkQueue): Promise<boolean> {
  return (await queue.getJobCountByTypes('waiting', 'prioritized', 'delayed', 'active')) === 0;
}
