import { isRecord } from './checks.ts';

/** The object that a text holds as JSON; nothing where it holds none. What is in it is not checked. */
export function jsonRecord(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
