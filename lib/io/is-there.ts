import { stat } from 'node:fs/promises';

/** Whether a path leads to something, of whatever kind, that can be looked at. */
export function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
