import { CommanderError } from 'commander';
import { type ErrorCode, OnnxCamError } from '../../common/errors.ts';
import { isError } from '../../common/kinds.ts';
import { oneLine } from './text.ts';

/** The process's exit codes. */
export const EXIT = {
  done: 0,
  /** Some or all inputs failed, or what was found could not be printed. */
  inputsFailed: 1,
  /** Wrong usage; unusable model, layer, method, target or output folder. */
  unusable: 2,
  /** 128 + SIGINT. */
  interrupted: 130,
} as const;

/** What manifest and JSON lines say about a failure. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Errors that belong to one input; every other one (layer, method, target, model …) would meet all inputs alike. */
const OF_ONE_INPUT: ReadonlySet<ErrorCode> = new Set([
  'ERR_IMAGE_NOT_FOUND',
  'ERR_IMAGE_INVALID',
  'ERR_INPUT_SHAPE',
  'ERR_OUTPUT',
  'ERR_RUNTIME',
  'ERR_OUT_OF_MEMORY',
]);

export function isOfOneInput(error: unknown): boolean {
  return isCodeOfOneInput(failureOf(error).code);
}

/** @param code of an error, also of one that was recorded */
export function isCodeOfOneInput(code: string): boolean {
  return OF_ONE_INPUT.has(code as ErrorCode);
}

/** Code and one-line message of anything thrown. What is not ours nor the command line's counts as `ERR_RUNTIME`. */
export function failureOf(error: unknown): Failure {
  if (error instanceof OnnxCamError) return { code: error.code, message: oneLine(error.message) };
  if (error instanceof CommanderError) {
    return { code: 'ERR_USAGE', message: oneLine(error.message.replace(/^error: /, '')) };
  }
  return { code: 'ERR_RUNTIME', message: oneLine(isError(error) ? error.message : String(error)) };
}

/** The line on standard error; with `debug` the stack (and those of the causes) below it. */
export function failureLines(
  error: unknown,
  options: { readonly input?: string; readonly debug?: boolean } = {},
): string[] {
  const { code, message } = failureOf(error);
  const isNamed = options.input === undefined || message.includes(oneLine(options.input));
  const line = `onnx-cam: ${code}: ${isNamed ? '' : `${options.input}: `}${message}`;
  return options.debug && isError(error) ? [line, ...stacks(error)] : [line];
}

function stacks(error: Error): string[] {
  // The message is one line here too: what it quotes must not look like lines of the stack.
  const own = (error.stack ?? String(error)).replace(error.message, () => oneLine(error.message)).split('\n');
  if (!isError(error.cause)) return own;
  const [first, ...others] = stacks(error.cause);
  return [...own, `caused by: ${first}`, ...others];
}

export function usageError(message: string): OnnxCamError {
  return new OnnxCamError('ERR_USAGE', message);
}
