import type { Job } from 'bullmq';

/**
 * Keeps a worker's hold on a job alive.
 * @param lost called once when another worker may take it, such as after the server was away for longer than a hold lasts
 * @returns lets go of it
 */
export function keepHold(job: Job, token: string, duration: number, lost: () => void): () => void {
  const timer = setInterval(async () => {
    try {
      if ((await job.extendLock(token, duration)) === 0) throw Object.assign(new Error('lock lost'), { code: -2 });
    } catch (error) {
      // While the server is away nobody takes it: asked again.
      if (!isLost(error)) return;
      clearInterval(timer);
      lost();
    }
  }, duration / 3);
  return () => clearInterval(timer);
}

/** BullMQ's answers about a job that is not this worker's any more are negative numbers; all other errors are the server's. */
export function isLost(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'number' && code < 0;
}
