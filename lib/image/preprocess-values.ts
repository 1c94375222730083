// What the properties of `preprocess` may be, each with `ERR_OPTION_INVALID` for anything else.
import { invalid } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import { didYouMean } from '../common/suggest.ts';

const LARGEST_SIZE = 32_768;

export function numbers(
  value: unknown,
  valid: (value: number) => boolean,
  expected: string,
  name: string,
): readonly number[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.length === 0 || !values.every(item => typeof item === 'number' && Number.isFinite(item) && valid(item))) {
    throw invalid(`${name} needs ${expected}, got ${shown(value)}`);
  }
  return values as readonly number[];
}

export function checkRange(value: unknown, name: string): readonly [number, number] {
  const finite = (end: unknown) => typeof end === 'number' && Number.isFinite(end);
  if (Array.isArray(value) && value.length === 2 && value.every(finite) && value[0] !== value[1])
    return [value[0], value[1]];
  throw invalid(`${name} needs [low, high], two different numbers in the picture's units, got ${shown(value)}`);
}

const isSide = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= LARGEST_SIZE;

export function checkSide(value: unknown, name: string): number {
  if (isSide(value)) return value;
  throw invalid(`${name} needs a whole number of pixels from 1 to ${LARGEST_SIZE}, got ${shown(value)}`);
}

export function checkShare(value: unknown, name: string): number {
  if (typeof value === 'number' && value > 0 && value <= 1) return value;
  throw invalid(`${name} needs a share above 0, at most 1, such as 0.875, got ${shown(value)}`);
}

export function checkColor(value: unknown, name: string): number | readonly number[] {
  const values = numbers(value, byte => byte >= 0 && byte <= 255, 'numbers from 0 to 255', name);
  if (values.length === 1 || values.length === 3) return values;
  throw invalid(`${name} needs [red, green, blue] or one grey value, got ${shown(value)}`);
}

export function checkSize(value: unknown, name: string): readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2 || !value.every(isSide)) {
    throw invalid(`${name} needs [width, height], whole numbers from 1 to ${LARGEST_SIZE}, got ${shown(value)}`);
  }
  return [value[0]!, value[1]!];
}

export function oneOf<T extends string>(value: unknown, known: readonly T[], name: string): T {
  const text = typeof value === 'string' ? value.toLowerCase() : undefined;
  const found = known.find(item => item === text);
  if (found !== undefined) return found;
  throw invalid(`${name} is ${shown(value)}${didYouMean(text ?? '', known)}; known: ${known.join(', ')}`);
}
