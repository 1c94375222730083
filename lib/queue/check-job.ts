import { isAbsolute } from 'node:path';
import { isRecord } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import type { Chunk, ChunkInput } from './chunk.ts';
import type { ChunkJob, ChunkProgress, Tries } from './job.ts';
import { queueError } from './queue-error.ts';

/** What a chunk may have at most; a queue may hold anything. */
const MOST_INPUTS = 100_000;
const LONGEST = 8_192;

/**
 * What came out of a queue as a chunk's job.
 * @throws `ERR_QUEUE` for anything that `enqueue` would not have written
 */
export function checkJob(data: unknown): ChunkJob {
  const job = record(data, 'the job');
  return {
    chunk: checkChunk(job.chunk),
    round: count(job.round, 'round', 1),
    tries: tries(job.tries),
    ...(job.retried === true && { retried: true }),
    ...(job.retryFailed === true && { retryFailed: true }),
  };
}

/** @throws `ERR_QUEUE` */
export function checkChunk(value: unknown): Chunk {
  const chunk = record(value, 'the chunk');
  const model = record(chunk.model, 'model');
  const part = record(chunk.part, 'part');
  const index = count(part.index, 'part.index', 0);
  const { inputs } = chunk;
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > MOST_INPUTS)
    throw damaged('inputs', `1 to ${MOST_INPUTS} of them`, inputs);
  return {
    protocol: count(chunk.protocol, 'protocol', 1),
    version: text(chunk.version, 'version'),
    model: {
      path: place(model.path, 'model.path'),
      sha256: text(model.sha256, 'model.sha256', /^[0-9a-f]{64}$/),
    },
    options: record(chunk.options, 'options'),
    out: place(chunk.out, 'out'),
    part: { index, count: count(part.count, 'part.count', index + 1) },
    inputs: inputs.map(checkInput),
  };
}

function checkInput(value: unknown, i: number): ChunkInput {
  const input = record(value, `inputs[${i}]`);
  const path = text(input.path, `inputs[${i}].path`);
  if (input.error === undefined) {
    const url = input.url === undefined ? undefined : place(input.url, `inputs[${i}].url`);
    return { path, stem: stem(input.stem, `inputs[${i}].stem`), ...(url !== undefined && { url }) };
  }
  const error = record(input.error, `inputs[${i}].error`);
  const code = text(error.code, `inputs[${i}].error.code`, /^ERR_[A-Z_]{1,40}$/);
  return {
    path,
    error: { code, message: text(error.message, `inputs[${i}].error.message`) } as Extract<
      ChunkInput,
      { error: unknown }
    >['error'],
  };
}

/** First part of the names of files below the folder of results, and of no others. */
function stem(value: unknown, what: string): string {
  const found = text(value, what);
  const parts = found.split(/[/\\]/);
  if (isAbsolute(found) || /^[A-Za-z]:/.test(found) || parts.some(part => part === '' || part === '.' || part === '..'))
    throw damaged(what, 'a name below the folder of results', value);
  return found;
}

/** An absolute path or a URL: workers have other working folders. */
function place(value: unknown, what: string): string {
  const found = text(value, what);
  if (!isAbsolute(found) && !/^[a-z][a-z0-9+.-]+:\/\//i.test(found))
    throw damaged(what, 'an absolute path or a URL', value);
  return found;
}

function text(value: unknown, what: string, form: RegExp = /^[^\0]+$/): string {
  if (typeof value !== 'string' || value.length > LONGEST || !form.test(value)) throw damaged(what, 'a text', value);
  return value;
}

function count(value: unknown, what: string, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw damaged(what, `a whole number of at least ${least}`, value);
  return value as number;
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw damaged(what, 'an object', value);
  return value;
}

function tries(value: unknown): Tries {
  const entries = Object.entries(isRecord(value) ? value : {});
  return Object.fromEntries(
    entries.filter(([key, times]) => /^\d{1,6}$/.test(key) && Number.isSafeInteger(times) && (times as number) > 0),
  ) as Tries;
}

const damaged = (what: string, expected: string, value: unknown) =>
  queueError(`this chunk was not written by onnx-cam: ${what} must be ${expected}, not ${shown(value)}`);

/** What an earlier worker said of a job; what cannot be read says nothing. */
export function readProgress(value: unknown): ChunkProgress {
  const progress = isRecord(value) ? value : {};
  const { done, failed, inWork, counted } = progress;
  const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  return {
    done: isCount(done) ? done : 0,
    failed: isCount(failed) ? failed : 0,
    inWork: Array.isArray(inWork) ? inWork.filter(isCount) : [],
    tries: tries(progress.tries),
    counted: counted === true,
  };
}
