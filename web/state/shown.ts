import { computed } from '@preact/signals';
import type { ReportData } from '../../lib/report/data.ts';
import { report } from './report.ts';
import { settings, VIEWS, type View } from './settings.ts';

// What the settings come to with this report: an address can ask for a view, a photograph or a run that it has not.

/** Which reports have a view. */
const HAS: Readonly<Record<View, (data: ReportData) => boolean>> = {
  photos: () => true,
  photo: ({ photos }) => photos.length > 0,
  compare: ({ photos, runs }) => photos.length > 0 && (runs.length > 1 || runs.some(({ makers }) => makers.length > 1)),
  curves: ({ runs }) => runs.some(({ curves }) => curves.length > 0),
  summary: ({ runs }) => runs.some(({ summary }) => summary !== null),
};

export const shownViews = computed<readonly View[]>(() => VIEWS.filter(view => HAS[view](report.value)));

export const shownView = computed<View>(() => {
  const view = settings.view.value;
  return shownViews.value.includes(view) ? view : 'photos';
});

/** The nearest place that there is; 0 where there is none. */
export const shownPhoto = computed(() => within(settings.photo.value, report.value.photos.length));

export const shownRun = computed(() => within(settings.run.value, report.value.runs.length));

/** Place of a maker in the run; 0 where none is chosen, or one that the run has not. */
export const shownMaker = computed(() => {
  const count = report.value.runs[shownRun.value]?.makers.length ?? 0;
  const maker = settings.maker.value;
  return Number.isInteger(maker) && maker >= 0 && maker < count ? maker : 0;
});

function within(place: number, count: number): number {
  return Math.max(0, Math.min(Math.trunc(place), count - 1));
}
