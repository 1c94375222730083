import { isRecord } from '../common/checks.ts';

// What JSON of a file that anybody may have written has to look like.

/** Whether a value is of a shape. */
export type Check = (value: unknown) => boolean;

export const isText: Check = value => typeof value === 'string';
export const isNumber: Check = value => Number.isFinite(value);
export const isIndex: Check = value => Number.isSafeInteger(value);
export const isCount: Check = value => isIndex(value) && (value as number) >= 0;
export const isFlag: Check = value => typeof value === 'boolean';

export const orNull =
  (check: Check): Check =>
  value =>
    value === null || check(value);

export const oneOf =
  (...known: readonly unknown[]): Check =>
  value =>
    known.includes(value);

/** @param length of the list; any by default */
export const isListOf =
  (check: Check, length?: number): Check =>
  value =>
    Array.isArray(value) && value.every(check) && (length === undefined || value.length === length);

/** An object whose values, whatever their names, are of a shape. */
export const isRecordOf =
  (check: Check): Check =>
  value =>
    isRecord(value) && Object.values(value).every(check);

/** An object with these fields, and perhaps others. */
export const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  value =>
    isRecord(value) && Object.entries(checks).every(([name, check]) => check(value[name]));
