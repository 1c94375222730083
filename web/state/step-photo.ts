import { computed } from '@preact/signals';
import { shownEntries } from './grid.ts';
import { settings } from './settings.ts';
import { shownPhoto } from './shown.ts';

const places = computed(() => shownEntries.value.map(({ place }) => place));

/** Where the photograph is in the grid, from 0, and how many that shows; -1 where a filter hides it. */
export const placeInGrid = computed(() => ({ at: places.value.indexOf(shownPhoto.value), of: places.value.length }));

/** Goes so many photographs on, in the order and among those that the grid shows. */
export function stepPhoto(by: number): void {
  const { at, of } = placeInGrid.value;
  // One that a filter hides is before the first.
  const next = places.value[Math.max(0, Math.min(at + by, of - 1))];
  if (next !== undefined) settings.photo.value = next;
}
