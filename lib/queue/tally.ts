import type { Job, JobType } from 'bullmq';
import { isRecord } from '../common/checks.ts';
import { shownAddress } from '../stores/address.ts';
import { readProgress } from './check-job.ts';
import type { ChunkJob, ChunkReport } from './job.ts';
import type { ChunkQueue } from './server.ts';

export type ChunkState = 'waiting' | 'inWork' | 'done' | 'failed';

/** What is known of a chunk from its job. */
export interface ChunkStanding {
  readonly state: ChunkState;
  readonly inputs: number;
  /** Inputs with a result, and with a recorded error. */
  readonly done: number;
  readonly failed: number;
  /** Why the chunk failed as a whole. */
  readonly reason?: string;
  readonly out?: string;
}

/** Jobs that are read at once: each of those that wait holds the names of its inputs. */
const AT_ONCE = 200;

const STATES: readonly (readonly [ChunkState, JobType[]])[] = [
  ['waiting', ['waiting', 'prioritized', 'delayed']],
  ['inWork', ['active']],
  ['done', ['completed']],
  ['failed', ['failed']],
];

/** Every chunk of a queue; one that moves meanwhile may come twice, the later standing holds. */
export async function* standings(queue: ChunkQueue): AsyncGenerator<readonly [id: string, ChunkStanding]> {
  for (const [state, types] of STATES)
    for (const type of types)
      for await (const job of jobsOf(queue, type)) yield [job.id!, standingOf(job, state)] as const;
}

export type ChunkQueueJob = Job<ChunkJob, ChunkReport>;

/** The jobs of a state, some at a time. */
export async function* jobsOf(queue: ChunkQueue, type: JobType): AsyncGenerator<ChunkQueueJob> {
  for (let start = 0; ; start += AT_ONCE) {
    const jobs = await queue.getJobs([type], start, start + AT_ONCE - 1, true);
    // One that was removed between the list and the look is undefined.
    for (const job of jobs) if (job) yield job;
    if (jobs.length < AT_ONCE) return;
  }
}

export function standingOf(job: ChunkQueueJob, state: ChunkState): ChunkStanding {
  const data: Readonly<Record<string, unknown>> = isRecord(job.data) ? job.data : {};
  const chunk = isRecord(data.chunk) ? data.chunk : {};
  const inputs = Array.isArray(chunk.inputs) ? chunk.inputs.length : Number(data.inputs) || 0;
  const isContinued = isRecord(job.returnvalue) && typeof job.returnvalue.continued === 'string';
  const { done, failed } = readProgress(state === 'done' ? job.returnvalue : job.progress);
  return {
    state,
    // The job that goes on has them.
    inputs: isContinued ? 0 : inputs,
    done,
    failed,
    ...(state === 'failed' && { reason: job.failedReason }),
    ...(state === 'failed' && typeof chunk.out === 'string' && { out: shownAddress(chunk.out) }),
  };
}
