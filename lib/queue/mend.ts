import { NO_PROGRESS } from './job.ts';
import type { ChunkQueue } from './server.ts';
import { type ChunkQueueJob, jobsOf } from './tally.ts';

/**
 * Puts back what failed to be done again: chunks that failed as a whole, from where they ended, and those with inputs that failed, for
 * these. What was given up has all its tries again.
 * @returns how many
 * @throws errors of the server
 */
export async function retryFailed(queue: ChunkQueue): Promise<number> {
  let count = 0;
  for (const state of ['failed', 'completed'] as const) {
    const ids = [];
    for await (const job of jobsOf(queue, state)) if (state === 'failed' || hasFailed(job)) ids.push(job.id!);
    for (const id of ids) if (await putBack(queue, id, state)) count++;
  }
  return count;
}

/** Whether inputs of a chunk that is done failed; what goes on in a further job is in that one. */
function hasFailed({ data, returnvalue }: ChunkQueueJob): boolean {
  return 'chunk' in data && returnvalue?.continued === undefined && returnvalue?.failed > 0;
}

async function putBack(queue: ChunkQueue, id: string, state: 'failed' | 'completed'): Promise<boolean> {
  const job = await queue.getJob(id);
  if (!job) return false;
  await job.updateData({ ...job.data, tries: {}, retried: true, retryFailed: true });
  await job.updateProgress({ ...NO_PROGRESS });
  try {
    await job.retry(state, { resetAttemptsMade: true, resetAttemptsStarted: true });
    return true;
  } catch (error) {
    // Somebody else has put it back meanwhile.
    if ((await job.getState()) === state) throw error;
    return false;
  }
}

/**
 * Takes out what waits; what is in work is finished.
 * @param done also what is known of chunks that are done and of those that failed: they can be enqueued again
 * @returns how many chunks
 * @throws errors of the server
 */
export async function drain(queue: ChunkQueue, { done }: { readonly done: boolean }): Promise<number> {
  const before = await held(queue);
  await queue.drain(true);
  if (done) for (const state of ['completed', 'failed'] as const) await cleanAll(queue, state);
  return Math.max(0, before - (await held(queue)));
}

const held = (queue: ChunkQueue) =>
  queue.getJobCountByTypes('waiting', 'prioritized', 'delayed', 'completed', 'failed');

async function cleanAll(queue: ChunkQueue, state: 'completed' | 'failed'): Promise<void> {
  const atOnce = 1_000;
  while ((await queue.clean(0, atOnce, state)).length === atOnce);
}
