import type { StepsDone } from '../common/progress.ts';
import { runStream } from '../io/picture-stream.ts';
import type { RunSchedule } from '../network/run-schedule.ts';

/** What is common to all runs on inputs that were made of one. */
export interface ChangedRuns {
  readonly schedule: RunSchedule;
  /** How many inputs there are. */
  readonly total: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the inputs done. */
  readonly onProgress?: ((steps: StepsDone) => void) | undefined;
}

/**
 * Runs a task on inputs that were made of one image, or on batches of them: some at once, as the pictures of an array; what each gives
 * comes in their order. Inputs are made when they are needed.
 * @param task gives an array of results, one for each input of a batch
 * @throws what the first task that failed threw, `ERR_ABORTED`
 */
export async function* changedRuns<I, T>(
  inputs: Iterable<I> | AsyncIterable<I>,
  task: (input: I) => Promise<readonly T[]>,
  { schedule, total, signal, onProgress }: ChangedRuns,
): AsyncGenerator<T, void, void> {
  const concurrency = Math.min(total, schedule.concurrency);
  const end = schedule.begin(concurrency);
  let done = 0;
  try {
    for await (const { result, error } of runStream(inputs, task, { concurrency, signal })) {
      if (error) throw error;
      for (const one of result) {
        onProgress?.({ done: ++done, total });
        yield one;
      }
    }
  } finally {
    end();
  }
}
