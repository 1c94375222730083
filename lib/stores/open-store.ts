import { LocalStore } from './local-store.ts';
import type { OutputStore } from './output-store.ts';

/** Where a text says that results go. */
export function openStore(location: string): OutputStore {
  return new LocalStore(location);
}
