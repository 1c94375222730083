import { OnnxCamError } from '../common/errors.ts';

/**
 * Runs a task on some images; what does not fit into memory is run in halves.
 * @param task its second argument: warnings that results get
 * @throws `ERR_OUT_OF_MEMORY` when not even a single image fits, and what the task throws
 */
export async function inHalves<W, R>(
  work: readonly W[],
  fixedBatch: boolean,
  task: (work: readonly W[], warnings: readonly string[]) => Promise<readonly R[]>,
  warnings: readonly string[] = [],
): Promise<readonly R[]> {
  try {
    return await task(work, warnings);
  } catch (error) {
    const tooLarge = error instanceof OnnxCamError && error.code === 'ERR_OUT_OF_MEMORY';
    // A fixed batch has its size, however few images are meant.
    if (!tooLarge || work.length === 1 || fixedBatch) throw error;
    const middle = Math.ceil(work.length / 2);
    const warning = `a run with ${work.length} images did not fit into memory and was made in halves`;
    const results: R[] = [];
    for (const half of [work.slice(0, middle), work.slice(middle)])
      results.push(...(await inHalves(half, fixedBatch, task, [...warnings, warning])));
    return results;
  }
}
