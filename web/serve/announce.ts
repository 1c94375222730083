import { signal } from '@preact/signals';

/** What screen readers say next. */
export const announced = signal('');

export function announce(text: string): void {
  // The same text again is said again only if it differs.
  announced.value = announced.value === text ? `${text}\u00a0` : text;
}
