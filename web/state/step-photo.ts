import { shownEntries } from './grid.ts';
import { settings } from './settings.ts';
import { shownPhoto } from './shown.ts';

/** Goes so many photographs on, in the order and among those that the grid shows. */
export function stepPhoto(by: number): void {
  const places = shownEntries.value.map(({ place }) => place);
  const now = places.indexOf(shownPhoto.value);
  // One that a filter hides is before the first.
  const next = places[Math.max(0, Math.min(now + by, places.length - 1))];
  if (next !== undefined) settings.photo.value = next;
}
