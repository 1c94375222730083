import { invalid } from './checks.ts';
import { shown } from './shown.ts';
import { didYouMean } from './suggest.ts';

/** What methods and metrics say of their parameters alike. */
interface PlainParam {
  readonly type: string;
  /** Of strings all that are allowed. */
  readonly values?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

/**
 * @param owner whose parameters they are, for messages
 * @throws `ERR_OPTION_INVALID` for a name that is none of them
 */
export function checkParamNames(owner: string, given: object, specs: object): void {
  const known = Object.keys(specs);
  for (const name of Object.keys(given))
    if (!Object.hasOwn(specs, name))
      throw invalid(
        `${owner} has no parameter '${name}'${didYouMean(name, known)}; it has ${known.join(', ') || 'none'}`,
      );
}

/** Refuses a parameter's value. @throws `ERR_OPTION_INVALID` */
export function refuseParam(owner: string, name: string, value: unknown, expected: string): never {
  throw invalid(`${owner}: parameter '${name}' must be ${expected}, not ${shown(value)}`);
}

/**
 * A boolean, a string or a number by its declared type.
 * @param given what the message shows, where the value is part of it
 * @throws `ERR_OPTION_INVALID`
 */
export function checkParam(
  owner: string,
  name: string,
  spec: PlainParam,
  value: unknown,
  given: unknown = value,
): boolean | string | number {
  const fail = (expected: string): never => refuseParam(owner, name, given, expected);
  if (spec.type === 'boolean') return typeof value === 'boolean' ? value : fail('true or false');
  if (spec.type === 'string') {
    if (typeof value !== 'string' || (spec.values && !spec.values.includes(value)))
      return fail(spec.values ? `one of ${spec.values.join(', ')}` : 'a string');
    return value;
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) return fail('a finite number');
  if (spec.type === 'integer' && !Number.isInteger(value)) return fail('a whole number');
  if (spec.min !== undefined && value < spec.min) return fail(`at least ${spec.min}`);
  if (spec.max !== undefined && value > spec.max) return fail(`at most ${spec.max}`);
  return value;
}

interface NumberList {
  readonly min?: number;
  readonly max?: number;
  /** Of the numbers (default: 'number'). */
  readonly type?: 'number' | 'integer';
}

/** A list of numbers; one stands for a list of itself. @throws `ERR_OPTION_INVALID` */
export function checkNumbers(
  owner: string,
  name: string,
  { min, max, type = 'number' }: NumberList,
  value: unknown,
): number[] {
  const list = typeof value === 'number' ? [value] : value;
  if (!Array.isArray(list) || list.length === 0) return refuseParam(owner, name, value, 'a list of numbers');
  return list.map(one => checkParam(owner, name, { type, min, max }, one, value) as number);
}

/** From the command line's text, by the declared type: lists of numbers have commas. What is no number stays as it was written, so that the error can show it. */
export function parseParamText(type: string | undefined, text: string): unknown {
  const isNumber = (part: string) => part.trim() !== '' && Number.isFinite(Number(part));
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  if (type === 'numbers') {
    const parts = text.split(',');
    return parts.every(isNumber) ? parts.map(Number) : text;
  }
  return type !== 'string' && isNumber(text) ? Number(text) : text;
}
