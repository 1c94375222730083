import { inspect } from 'node:util';

/** A value of any kind as messages show it. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : inspect(value);
}
