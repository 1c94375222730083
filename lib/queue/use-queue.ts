import { OnnxCamError } from '../common/errors.ts';
import { queueError } from './queue-error.ts';
import { type ChunkQueue, type QueueServer, reachServer, reasonOf } from './server.ts';

/**
 * Opens a queue for a task, and closes it after.
 * @param address as a person gives it
 * @throws `ERR_QUEUE` for a server that is not there, or goes meanwhile; what the task throws of this library's errors
 */
export async function useQueue<T>(
  address: string,
  task: (queue: ChunkQueue, server: QueueServer) => Promise<T>,
): Promise<T> {
  const server = await reachServer(address);
  const queue = await server.openQueue();
  try {
    return await task(queue, server);
  } catch (error) {
    if (error instanceof OnnxCamError) throw error;
    throw queueError(
      `the queue's server at ${server.address.shown} did not go on: ${reasonOf(error)}; try again`,
      error,
    );
  } finally {
    await queue.close().catch(() => {});
  }
}
