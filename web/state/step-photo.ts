import { report } from './report.ts';
import { settings } from './settings.ts';
import { shownPhoto } from './shown.ts';

/** Goes so many photographs on. */
export function stepPhoto(by: number): void {
  settings.photo.value = Math.max(0, Math.min(shownPhoto.value + by, report.value.photos.length - 1));
}
