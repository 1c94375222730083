import { Option } from 'commander';
import { usageError } from './failure.ts';

/** Where the address may stand instead: a command line can be seen by everybody on the machine, passwords included. */
const VARIABLE = 'ONNX_CAM_QUEUE';

/** `--queue URL`, of all commands that have to do with a queue. */
export function queueOption(what = 'the queue'): Option {
  return new Option(
    '--queue <url>',
    `${what}: redis://…, rediss://… (Redis, Valkey) or postgres://…; one with a password is better kept in the variable`,
  ).env(VARIABLE);
}

/** @throws `ERR_USAGE` where there is none */
export function givenQueue({ queue }: { readonly queue?: string }): string {
  if (queue === undefined || queue === '')
    throw usageError(`which queue? give --queue redis://HOST:6379 or postgres://HOST/DATABASE, or set ${VARIABLE}`);
  return queue;
}
