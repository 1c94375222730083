import { inspect } from 'node:util';

/** Characters of a value in a message. */
const LONGEST = 200;

/** A value of any kind as messages show it, however large or deep it is; texts in quotes. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, LONGEST + 1)) : inspect(value, LIMITS);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

const LIMITS = { depth: 2, maxArrayLength: 20, maxStringLength: LONGEST, breakLength: Infinity };
