import { isRecord } from '../../common/checks.ts';
import { OnnxCamError } from '../../common/errors.ts';
import { shown } from '../../common/shown.ts';
import { checkThreshold } from '../../result/threshold.ts';
import type { DecidingFlags } from './explain-flags.ts';
import { SAVE_FORMATS, SAVE_KINDS } from './save-option.ts';

type Check = (value: unknown) => boolean;

const text: Check = value => typeof value === 'string' && value.length < 65536 && !value.includes('\0');
const flag: Check = value => typeof value === 'boolean';
const number: Check = value => typeof value === 'number' && Number.isFinite(value);
const count: Check = value => Number.isSafeInteger(value) && (value as number) >= 0;
const oneOf =
  (known: readonly string[]): Check =>
  value =>
    known.includes(value as string);
const listOf =
  (check: Check): Check =>
  value =>
    Array.isArray(value) && value.length < 10_000 && value.every(check);
const pair =
  (check: Check): Check =>
  value =>
    listOf(check)(value) && (value as unknown[]).length === 2;
const ownedParam: Check = value => isRecord(value) && ['owner', 'name', 'value'].every(name => text(value[name]));
const threshold: Check = value => {
  try {
    checkThreshold('it', value);
    return true;
  } catch {
    return false;
  }
};

/** What each flag is; what its text or number means is looked at where it is used. */
const FLAGS: { readonly [Name in keyof Required<DecidingFlags>]: Check } = {
  method: listOf(text),
  layer: listOf(text),
  target: listOf(text),
  save: listOf(oneOf(SAVE_KINDS)),
  format: oneOf(SAVE_FORMATS),
  quality: count,
  maxSize: value => value === 'none' || count(value),
  boxes: flag,
  threshold,
  convention: text,
  fusion: text,
  param: listOf(pair(text)),
  seed: count,
  technique: listOf(text),
  techniqueParam: listOf(ownedParam),
  input: text,
  output: text,
  inputs: listOf(pair(text)),
  detector: value => value === false || text(value),
  preset: text,
  mean: listOf(number),
  std: listOf(number),
  range: pair(number),
  fit: text,
  size: pair(count),
  labels: text,
  limitInputPixels: count,
  decode: text,
  precision: text,
  scoringPrecision: text,
};

const NEEDED = ['method', 'save', 'format', 'maxSize', 'param', 'techniqueParam'] as const;

/**
 * Flags that came from elsewhere, such as a queue.
 * @throws `ERR_QUEUE` for what the command line would not have given
 */
export function checkFlags(given: Readonly<Record<string, unknown>>): DecidingFlags {
  for (const name of NEEDED) if (given[name] === undefined) throw wrong(`the option ${name} is missing`);
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(FLAGS, name)) throw wrong(`there is no option ${shown(name)}`);
    if (!FLAGS[name as keyof DecidingFlags](value)) throw wrong(`the option ${name} cannot be ${shown(value)}`);
  }
  return given as unknown as DecidingFlags;
}

function wrong(why: string): OnnxCamError {
  return new OnnxCamError('ERR_QUEUE', `this chunk was not written by onnx-cam: ${why}`);
}
