import { type ManifestPart, placeOf } from '../../manifest/manifest-name.ts';
import { usageError } from '../tell/failure.ts';

/** A part of a run, and who said which. */
export interface Shard {
  readonly part: ManifestPart;
  /** The environment variable, where it was not the command line. */
  readonly from?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Which part of the inputs this process is for: what `--shard` says, else what a scheduler says.
 * @throws `ERR_USAGE` for a text that is no `I/N`, and for a scheduler that says which part this is but not of how many
 */
export function shardOption(given: string | false | undefined, environment: Environment): Shard | undefined {
  if (given === false) return undefined;
  if (given !== undefined) return { part: parseShard(given) };
  return kubernetes(environment) ?? slurm(environment) ?? awsBatch(environment);
}

/** Every `count`th of the sorted inputs: parts that count from 0 and from 1 are the same ones. */
export function inputsOfPart<T>(sorted: readonly T[], part: ManifestPart): T[] {
  return sorted.filter((_, place) => place % part.count === placeOf(part));
}

function parseShard(text: string): ManifestPart {
  const [, index, count] = /^(\d{1,9})\/([1-9]\d{0,8})$/.exec(text) ?? [];
  if (index === undefined || Number(index) > Number(count))
    throw usageError(`--shard takes I/N, part I of N, I from 0 or from 1; not '${text}'`);
  return { index: Number(index), count: Number(count) };
}

/** Indexed Jobs: the index is set by Kubernetes, the number of completions by whoever writes the manifest of the job. */
function kubernetes(environment: Environment): Shard | undefined {
  return fromScheduler(environment, 'JOB_COMPLETION_INDEX', 'JOB_COMPLETIONS');
}

function awsBatch(environment: Environment): Shard | undefined {
  return fromScheduler(environment, 'AWS_BATCH_JOB_ARRAY_INDEX', 'AWS_BATCH_JOB_ARRAY_SIZE');
}

/** Slurm's arrays begin anywhere and may have gaps of one width (`--array=10-50:10`); of others (`3,7`) it says nothing but the ends. */
function slurm(environment: Environment): Shard | undefined {
  const { SLURM_ARRAY_TASK_MIN: first = '0', SLURM_ARRAY_TASK_STEP: step = '1' } = environment;
  const { SLURM_ARRAY_TASK_MAX: last, SLURM_ARRAY_TASK_COUNT: count } = environment;
  const place = (id: number) => (id - Number(first)) / Number(step);
  const isEven = last === undefined || place(Number(last)) === Number(count) - 1;
  return fromScheduler(environment, 'SLURM_ARRAY_TASK_ID', 'SLURM_ARRAY_TASK_COUNT', id => (isEven ? place(id) : NaN));
}

function fromScheduler(
  environment: Environment,
  indexName: string,
  countName: string,
  place: (index: number) => number = index => index,
): Shard | undefined {
  const given = environment[indexName];
  if (given === undefined || given === '') return undefined;
  const index = place(Number(given));
  const count = Number(environment[countName]);
  if (Number.isInteger(index) && Number.isInteger(count) && index >= 0 && index < count)
    return { part: { index, count }, from: indexName };
  throw usageError(
    `${indexName} is ${given}, and ${countName} is ${environment[countName] ?? 'not set'}: which part of how many this process is for cannot be told; give --shard I/N, or --no-shard for all inputs`,
  );
}
