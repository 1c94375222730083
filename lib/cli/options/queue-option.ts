import { Option } from 'commander';
import { usageError } from '../tell/failure.ts';
import { wholeNumber } from './option-values.ts';

/** Where the address may stand instead: command lines can be seen by everybody on a machine, with the passwords in them. */
const VARIABLE = 'ONNX_CAM_QUEUE';

/** Inputs of a chunk, if not said otherwise: minutes of work, so that little is lost with a worker, and a queue is asked seldom. */
export const CHUNK = 100;

const FORMS = 'redis://…, rediss://… (Redis, Valkey) or postgres://…';

/** `--queue URL`, of commands that are about a queue. */
export function queueOption(): Option {
  return new Option('--queue <url>', `${FORMS}; one with a password is better kept in the variable`).env(VARIABLE);
}

/** `--queue [URL]`, where work can be enqueued instead of done: the variable alone does not say that it is to be. */
export function enqueueOption(): Option {
  return new Option(
    '--queue [url]',
    `leave the work to \`onnx-cam worker\` on other machines: ${FORMS} (default: the address in ${VARIABLE})`,
  );
}

/** @throws `ERR_USAGE` where there is none */
export function givenQueue(queue: string | true | undefined): string {
  const address = queue === true ? process.env[VARIABLE] : queue;
  if (address === undefined || address === '')
    throw usageError(`which queue? give --queue redis://HOST:6379 or postgres://HOST/DATABASE, or set ${VARIABLE}`);
  return address;
}

/** `--chunk N`; a chunk's names are one message. */
export function chunkOption(): Option {
  return new Option('--chunk <n>', `inputs that a worker takes at a time (default: ${CHUNK})`).argParser(
    wholeNumber(1, 10_000),
  );
}
