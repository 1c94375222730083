import { setTimeout as sleep } from 'node:timers/promises';
import { readProgress } from './check-job.ts';
import type { ChunkEvents, ChunkQueue } from './server.ts';
import { type QueueStatus, Sums } from './status.ts';
import { type ChunkState, standingOf, standings } from './tally.ts';

/** ms between two looks at what events have said. */
const BETWEEN = 500;
/** Readings of a queue that moves. */
const MOST_READS = 5;
/** Looks until the counts are compared with the server's: events can be cut off, and chunks taken out without one. */
const COMPARED = 10;

/**
 * How a queue stands now.
 * @throws errors of the server
 */
export async function readStatus(queue: ChunkQueue): Promise<QueueStatus> {
  const sums = new Sums();
  // A chunk that moves while the states are read one by one can be overlooked.
  for (let read = 0; read < MOST_READS; read++) {
    await readAll(queue, sums);
    if (await agrees(queue, sums)) break;
  }
  return sums.status(await queue.getWorkersCount());
}

/**
 * How a queue stands, again and again as it changes, by its events; ends when nothing waits and nothing is in work,
 * or the signal fires.
 * @throws errors of the server
 */
export async function* followStatus(
  queue: ChunkQueue,
  events: ChunkEvents,
  signal: AbortSignal,
): AsyncGenerator<QueueStatus> {
  const sums = new Sums();
  const changes = new Changes(queue, events, sums);
  await readAll(queue, sums);
  for (let look = 1; ; look++) {
    let isIdle = false;
    if (changes.taken()) {
      const status = sums.status(await queue.getWorkersCount());
      yield status;
      isIdle = status.chunks.waiting + status.chunks.inWork === 0;
    }
    if (isIdle || look % COMPARED === 0) {
      if (await agrees(queue, sums)) {
        if (isIdle) return;
      } else {
        await readAll(queue, sums);
        changes.note();
      }
    }
    await sleep(BETWEEN, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
  }
}

async function readAll(queue: ChunkQueue, sums: Sums): Promise<void> {
  const gone = new Set(sums.ids());
  for await (const [id, standing] of standings(queue)) {
    gone.delete(id);
    sums.set(id, standing);
  }
  for (const id of gone) sums.delete(id);
}

async function agrees(queue: ChunkQueue, sums: Sums): Promise<boolean> {
  const counts = await queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active', 'completed', 'failed');
  const { waiting = 0, prioritized = 0, delayed = 0, active = 0, completed = 0, failed = 0 } = counts;
  const { chunks } = sums.status(0);
  return (
    chunks.waiting === waiting + prioritized + delayed &&
    chunks.inWork === active &&
    chunks.done === completed &&
    chunks.failed === failed
  );
}

/** Brings sums up to date by what happens. */
class Changes {
  readonly #queue: ChunkQueue;
  readonly #sums: Sums;
  #isNew = true;

  constructor(queue: ChunkQueue, events: ChunkEvents, sums: Sums) {
    this.#queue = queue;
    this.#sums = sums;
    events.on('added', ({ jobId }) => this.#look(jobId, 'waiting'));
    events.on('waiting', ({ jobId }) => this.#move(jobId, 'waiting'));
    events.on('delayed', ({ jobId }) => this.#move(jobId, 'waiting'));
    events.on('active', ({ jobId }) => this.#move(jobId, 'inWork'));
    events.on('progress', ({ jobId, data }) => this.#move(jobId, 'inWork', data));
    events.on('completed', ({ jobId }) => this.#look(jobId, 'done'));
    events.on('failed', ({ jobId }) => this.#look(jobId, 'failed'));
    events.on('removed', ({ jobId }) => {
      this.#sums.delete(jobId);
      this.note();
    });
  }

  note(): void {
    this.#isNew = true;
  }

  /** Whether anything has changed since the last call. */
  taken(): boolean {
    const isNew = this.#isNew;
    this.#isNew = false;
    return isNew;
  }

  #move(id: string, state: ChunkState, progress?: unknown): void {
    const known = this.#sums.get(id);
    if (!known) {
      this.#look(id, state);
      return;
    }
    const { done, failed } = progress === undefined ? known : readProgress(progress);
    this.#sums.set(id, { state, inputs: known.inputs, done, failed });
    this.note();
  }

  /** A job that cannot be read now is found when the counts are compared. */
  #look(id: string, state: ChunkState): void {
    const look = async () => {
      const job = await this.#queue.getJob(id);
      if (job) this.#sums.set(id, standingOf(job, state));
      this.note();
    };
    look().catch(() => {});
  }
}
