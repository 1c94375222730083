import type { Job } from 'bullmq';
import { type ErrorCode, OnnxCamError } from '../common/errors.ts';
import { checkJob, readProgress } from './check-job.ts';
import type { Chunk } from './chunk.ts';
import { chunkId } from './chunk-id.ts';
import { ChunkHeldError, type DoChunk } from './do-chunk.ts';
import { isLost, keepHold } from './hold.ts';
import { type ChunkJob, type ChunkReport, JOB_NAME, JOB_OPTIONS, roundId } from './job.ts';
import { type Persistence, persist } from './persist.ts';
import { ProgressWriter } from './progress-writer.ts';
import { queueError } from './queue-error.ts';
import { type ChunkQueue, MAX_STALLED, reasonOf } from './server.ts';
import { findSuspects, type Suspects } from './suspects.ts';
import { refuseOtherVersion } from './version.ts';

/** ms until a chunk is tried again that a process which lives still holds. */
const HELD = 5_000;

/** What became of a job. */
export type Outcome =
  | { readonly kind: 'done'; readonly report: ChunkReport }
  /** The worker was told to end: others go on with it. */
  | { readonly kind: 'given back' }
  /** Another process holds this part of the run. */
  | { readonly kind: 'held' }
  /** Another worker may have taken it meanwhile; it goes on where this one ended. */
  | { readonly kind: 'lost' }
  /** A new job goes on with it. */
  | { readonly kind: 'continued' }
  /** As a whole, for a reason that other chunks may meet too or not. */
  | { readonly kind: 'failed'; readonly error: OnnxCamError; readonly again: boolean };

export interface JobContext extends Persistence {
  readonly queue: ChunkQueue;
  readonly doChunk: DoChunk;
  readonly version: string;
  /** ms that a hold on a job lasts. */
  readonly lock: number;
  readonly taken: (chunk: Chunk) => void;
}

type TakenJob = Job<ChunkJob, ChunkReport>;

/**
 * Does a job from its taking to its end. Once.
 * @throws what ends the worker, after the job was given back: `ERR_QUEUE` for a chunk of another version, errors of this
 * machine such as `ERR_PROVIDER_UNAVAILABLE`
 */
export async function doJob(job: TakenJob, token: string, context: JobContext): Promise<Outcome> {
  try {
    return await settleJob(job, token, context);
  } catch (error) {
    if (isLost(error)) return { kind: 'lost' };
    throw error;
  }
}

async function settleJob(job: TakenJob, token: string, context: JobContext): Promise<Outcome> {
  const giveBack = () => persist(() => job.moveToWait(token), context);
  if (context.signal.aborted) {
    await giveBack();
    return { kind: 'given back' };
  }
  let data: ChunkJob;
  try {
    refuseOtherVersion(job.data, context.version);
  } catch (error) {
    await giveBack();
    throw error;
  }
  try {
    data = checkJob(job.data);
  } catch (error) {
    return fail(job, token, error as OnnxCamError, false, context);
  }
  const suspects = findSuspects(data, readProgress(job.progress));
  if (job.stalledCounter >= MAX_STALLED && (suspects.counted || data.retried))
    return goOn(job, token, data, suspects, context);
  if (job.deferredFailure !== undefined)
    return fail(
      job,
      token,
      queueError(`its worker ended ${job.stalledCounter} times before anything of it was done: see the workers' logs`),
      false,
      context,
    );
  context.taken(data.chunk);
  return workOn(job, token, data, suspects, context);
}

async function workOn(
  job: TakenJob,
  token: string,
  { chunk, retryFailed = false }: ChunkJob,
  suspects: Suspects,
  context: JobContext,
): Promise<Outcome> {
  const { signal, doChunk, lock } = context;
  const lost = new AbortController();
  const letGo = keepHold(job, token, lock, () => lost.abort());
  const account = new ProgressWriter(chunk.inputs.length, suspects, progress =>
    persist(() => job.updateProgress({ ...progress }), context),
  );
  const giveUp = async (): Promise<Outcome> => {
    await account.end().catch(() => {});
    return { kind: 'lost' };
  };
  try {
    await doChunk(chunk, {
      signal: AbortSignal.any([signal, lost.signal]),
      alone: suspects.alone,
      givenUp: suspects.givenUp,
      retryFailed,
      begin: index => account.begin(index),
      done: (index, failed) => account.done(index, failed),
    });
    if (account.settled === chunk.inputs.length) {
      await complete(job, token, account.report, context);
      return { kind: 'done', report: account.report };
    }
    if (lost.signal.aborted) return await giveUp();
    if (signal.aborted) return await handBack(job, token, account, context);
    throw new Error(`${account.settled} of ${chunk.inputs.length} inputs were done when it ended`);
  } catch (error) {
    if (lost.signal.aborted || isLost(error)) return await giveUp();
    if (signal.aborted) return await handBack(job, token, account, context);
    if (error instanceof ChunkHeldError) {
      await persist(() => job.moveToDelayed(Date.now() + HELD, token), context);
      return { kind: 'held' };
    }
    const failure = asFailure(error);
    if (OF_THE_MACHINE.has(failure.code)) {
      await handBack(job, token, account, context);
      throw failure;
    }
    await account.end();
    return await fail(job, token, failure, mayPass(error), context);
  } finally {
    letGo();
  }
}

/** Puts it where the next worker takes it at once. */
async function handBack(job: TakenJob, token: string, account: ProgressWriter, context: JobContext): Promise<Outcome> {
  await account.end();
  await persist(() => job.moveToWait(token), context);
  return { kind: 'given back' };
}

async function complete(job: TakenJob, token: string, report: ChunkReport, context: JobContext): Promise<void> {
  await persist(() => job.moveToCompleted(report, token, false), context);
  // But for inputs to be done again, only its id and its counts are of use from now on.
  if (report.failed > 0) return;
  await job.updateData({ inputs: job.data.chunk.inputs.length } as unknown as ChunkJob).catch(() => {});
}

/**
 * A further job goes on with the chunk, so that the queue counts from the beginning how often workers end: any number of
 * inputs that end the process are given up one after the other, each after its tries.
 */
async function goOn(
  job: TakenJob,
  token: string,
  { chunk, round, retryFailed }: ChunkJob,
  { tries }: Suspects,
  context: JobContext,
): Promise<Outcome> {
  const next = round + 1;
  const continued = roundId(chunkId(chunk), next);
  const options = { ...JOB_OPTIONS, jobId: continued, lifo: true };
  const data: ChunkJob = { chunk, round: next, tries, ...(retryFailed && { retryFailed }) };
  await persist(() => context.queue.add(JOB_NAME, data, options), context);
  await complete(job, token, { done: 0, failed: 0, continued }, context);
  return { kind: 'continued' };
}

/** What no other chunk would get past on this machine, but another machine may. */
const OF_THE_MACHINE: ReadonlySet<ErrorCode> = new Set([
  'ERR_PROVIDER_UNAVAILABLE',
  'ERR_ADDON',
  'ERR_RUNTIME_NOT_FOUND',
]);

/** What may be otherwise on another machine, or later: a folder that isn't mounted, a full disk. */
const MAY_PASS: ReadonlySet<ErrorCode> = new Set([
  'ERR_MODEL_NOT_FOUND',
  'ERR_MODEL_INVALID',
  'ERR_EXTERNAL_DATA',
  'ERR_IMAGE_NOT_FOUND',
  'ERR_OUTPUT',
  'ERR_OUT_OF_MEMORY',
  'ERR_RUNTIME',
  'ERR_BUSY',
  'ERR_ABORTED',
]);

async function fail(
  job: TakenJob,
  token: string,
  error: OnnxCamError,
  again: boolean,
  context: JobContext,
): Promise<Outcome> {
  const reason = new Error(`${error.code}: ${error.message}`);
  // BullMQ's name for what is not tried again.
  if (!again) reason.name = 'UnrecoverableError';
  await persist(() => job.moveToFailed(reason, token, false), context);
  return { kind: 'failed', error, again };
}

/** What is no error of this library was not foreseen, such as options that no command line gives: it comes again. */
const mayPass = (error: unknown) => error instanceof OnnxCamError && MAY_PASS.has(error.code);

function asFailure(error: unknown): OnnxCamError {
  if (error instanceof OnnxCamError) return error;
  return new OnnxCamError('ERR_RUNTIME', reasonOf(error), { cause: error });
}
