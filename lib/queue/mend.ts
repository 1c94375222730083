import type { ChunkJob } from './job.ts';
import type { ChunkQueue } from './server.ts';
import { jobsOf } from './tally.ts';

/**
 * Puts the chunks that failed as a whole back to be done, from where they ended, with all their tries.
 * @returns how many
 * @throws errors of the server
 */
export async function retryFailed(queue: ChunkQueue): Promise<number> {
  let count = 0;
  const failed = [];
  for await (const job of jobsOf(queue, 'failed')) failed.push(job.id!);
  for (const id of failed) {
    const job = await queue.getJob(id);
    if (!job) continue;
    await job.updateData({ ...job.data, retried: true } satisfies ChunkJob);
    try {
      await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
      count++;
    } catch (error) {
      // Somebody else has put it back meanwhile.
      if (await job.isFailed()) throw error;
    }
  }
  return count;
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
