import type { JobState } from 'bullmq';
import type { Chunk } from './chunk.ts';
import { chunkId } from './chunk-id.ts';
import { JOB_NAME, JOB_OPTIONS } from './job.ts';
import type { ChunkQueue } from './server.ts';

/** Chunks that are sent at once: each holds the names of its inputs. */
const AT_ONCE = 50;

/** How many chunks were new, and where those were that had been enqueued before. */
export interface Enqueued {
  readonly added: number;
  readonly waiting: number;
  readonly inWork: number;
  readonly done: number;
  readonly failed: number;
}

/**
 * Puts chunks into the queue; one that is there already, waiting, in work or done, is not put there again, whoever did it.
 * @throws errors of the server
 */
export async function enqueue(queue: ChunkQueue, chunks: Iterable<Chunk>): Promise<Enqueued> {
  const counts = { added: 0, waiting: 0, inWork: 0, done: 0, failed: 0 };
  for (const some of batches(chunks)) {
    const ids = some.map(chunkId);
    // Who enqueues the same at the same time counts it as added too.
    for (const state of await Promise.all(ids.map(id => queue.getJobState(id)))) counts[COUNTED[state]]++;
    await queue.addBulk(
      some.map((chunk, i) => ({
        name: JOB_NAME,
        data: { chunk, round: 1, tries: {} },
        opts: { ...JOB_OPTIONS, jobId: ids[i]! },
      })),
    );
  }
  return counts;
}

const COUNTED: Readonly<Record<JobState | 'unknown', keyof Enqueued>> = {
  unknown: 'added',
  waiting: 'waiting',
  prioritized: 'waiting',
  delayed: 'waiting',
  'waiting-children': 'waiting',
  active: 'inWork',
  completed: 'done',
  failed: 'failed',
};

function* batches(chunks: Iterable<Chunk>): Generator<Chunk[]> {
  let some: Chunk[] = [];
  for (const chunk of chunks) {
    some.push(chunk);
    if (some.length < AT_ONCE) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}
