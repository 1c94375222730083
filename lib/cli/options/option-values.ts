import { InvalidArgumentError } from 'commander';
import { checkThreshold, parseThreshold, type Threshold } from '../../result/threshold.ts';

/** Values of options as commander parses them, one text at a time. */

export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

export function names(text: string): string[] {
  const list = text.split(',').map(name => name.trim());
  if (list.includes('')) throw new InvalidArgumentError('expected names separated by commas.');
  return list;
}

export function param(text: string, previous: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected name=value.');
  return [...previous, [text.slice(0, at).trim(), text.slice(at + 1).trim()]];
}

/** A parameter of one of several owners, as it was written. */
export interface OwnedParam {
  readonly owner: string;
  readonly name: string;
  readonly value: string;
}

/** Of OWNER.NAME=VALUE, repeated. */
export function ownedParam(kind: string, example: string) {
  return (text: string, previous: readonly OwnedParam[]): OwnedParam[] => {
    const match = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(text);
    if (!match) throw new InvalidArgumentError(`expected ${kind}.NAME=VALUE, such as ${example}.`);
    const [, owner, name, value] = match as unknown as [string, string, string, string];
    return [...previous, { owner: owner.trim(), name: name.trim(), value: value.trim() }];
  };
}

export function numbers(text: string): number[] {
  const values = text.split(',').map(part => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!values.every(Number.isFinite)) throw new InvalidArgumentError('expected numbers separated by commas.');
  return values;
}

export function range(text: string): [number, number] {
  const [low, high, ...more] = numbers(text);
  if (low === undefined || high === undefined || low === high || more.length > 0)
    throw new InvalidArgumentError('expected two different numbers, such as 0,4095.');
  return [low, high];
}

export function size(text: string): [number, number] {
  const match = /^([1-9]\d*)x([1-9]\d*)$/i.exec(text);
  if (!match) throw new InvalidArgumentError('expected WIDTHxHEIGHT in pixels, such as 224x224.');
  return [Number(match[1]), Number(match[2])];
}

export function threshold(text: string): Threshold {
  try {
    return checkThreshold('it', parseThreshold(text));
  } catch {
    throw new InvalidArgumentError(
      'expected 0.3, max:0.15, q:0.9, otsu or sd:1, shares after max: and q: from 0 to 1.',
    );
  }
}

export function wholeNumber(min: number, max = Infinity): (text: string) => number {
  return text => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(
        `expected a whole number ${max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`}.`,
      );
    return value;
  };
}

export function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** A path. An empty text (an unset variable in a script) would stand for the working folder. @param expected such as "a folder" */
export function place(expected: string): (text: string) => string {
  return text => {
    if (text === '') throw new InvalidArgumentError(`expected ${expected}; the working folder is .`);
    return text;
  };
}
