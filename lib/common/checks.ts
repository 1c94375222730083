import { OnnxCamError } from './errors.ts';
import { shown } from './shown.ts';
import { didYouMean } from './suggest.ts';

/** An object that is no array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function checkObject(options: unknown, where: string): void {
  if (typeof options !== 'object' || options === null)
    throw invalid(`the options of ${where} are an object, not ${shown(options)}`);
}

export function checkSeed(seed: unknown): void {
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw invalid(`\`seed\` must be a whole number, not ${shown(seed)}`);
}

export function checkNames(options: object, known: readonly string[], where: string): void {
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw invalid(`${where} has no option '${name}'${didYouMean(name, known)}; it takes ${known.join(', ')}`);
}

export function checkOneOf(name: string, value: unknown, known: readonly string[]): void {
  if (value !== undefined && !known.includes(value as string))
    throw invalid(
      `\`${name}\` must be one of ${known.join(', ')}, not ${shown(value)}${didYouMean(String(value), known)}`,
    );
}

export function checkCount(name: string, value: number | undefined, min: number): void {
  if (value !== undefined && (!Number.isInteger(value) || value < min))
    throw invalid(`\`${name}\` must be a whole number of at least ${min}, not ${value}`);
}

/** An entry of a list that is a name, or { [key]: name, params } with `further` options. */
export function checkNamed(entry: unknown, key: 'method' | 'metric', further: readonly string[] = []): void {
  if (typeof entry === 'string') return;
  const where = `an entry of \`${key}s\``;
  checkObject(entry, where);
  checkNames(entry as object, [key, 'params', ...further], where);
  const { [key]: name, params } = entry as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string') throw invalid(`\`${key}\` is a name, not ${shown(name)}`);
  if (params !== undefined) checkObject(params, `the parameters of ${name}`);
}

export function invalid(message: string): OnnxCamError {
  return new OnnxCamError('ERR_OPTION_INVALID', message);
}
