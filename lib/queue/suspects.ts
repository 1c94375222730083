import { OnnxCamError } from '../common/errors.ts';
import type { ChunkJob, ChunkProgress, Tries } from './job.ts';

/** How often a process may end with an input in work before the input is given up. */
export const MOST_TRIES = 3;

/** What is known about inputs that may have ended a process. */
export interface Suspects {
  readonly tries: Tries;
  readonly alone: readonly number[];
  readonly givenUp: ReadonlyMap<number, OnnxCamError>;
  /** Whether any was counted in this round. */
  readonly counted: boolean;
}

/**
 * Each input that was in work when the last process ended has one try more. Nothing is in work of a chunk that was given
 * back.
 */
export function findSuspects(job: ChunkJob, progress: ChunkProgress): Suspects {
  const tries: Record<string, number> = { ...job.tries };
  for (const [index, times] of Object.entries(progress.tries)) tries[index] = times;
  const inWork = progress.inWork.filter(index => index < job.chunk.inputs.length);
  for (const index of inWork) tries[index] = (tries[index] ?? 0) + 1;
  const counts = Object.entries(tries).map(([index, times]) => [Number(index), times] as const);
  return {
    tries,
    alone: counts.filter(([, times]) => times < MOST_TRIES).map(([index]) => index),
    givenUp: new Map(counts.filter(([, times]) => times >= MOST_TRIES).map(([index, times]) => [index, fatal(times)])),
    counted: progress.counted || inWork.length > 0,
  };
}

function fatal(times: number): OnnxCamError {
  return new OnnxCamError(
    'ERR_RUNTIME',
    `the process ended ${times} times while this was in work; to see why, explain it alone with onnx-cam explain`,
  );
}
