import { computed } from '@preact/signals';
import type { PhotoInRun, ReportPhoto } from '../../lib/report/data.ts';
import { report } from './report.ts';
import { settings } from './settings.ts';
import { shownRun } from './shown.ts';

// Which photographs the grid shows, in which order.

/** Besides metrics. */
export const SORTS = ['given', 'name', 'confidence', 'status'] as const;

/** What only some photographs have, by the value of `settings.only`. */
const ONLY: Readonly<Record<string, (entry: GridEntry) => boolean>> = {
  wrong: ({ said }) => said?.correct === false,
  correct: ({ said }) => said?.correct === true,
  warnings: ({ said, result }) => (said?.results[result ?? -1]?.warnings.length ?? 0) > 0,
  status: ({ said, result }) => (said?.results[result ?? -1]?.status ?? 'ok') !== 'ok',
  failed: ({ said }) => said?.error != null,
};
export const ONLY_NAMES = Object.keys(ONLY);

/** A photograph as the grid shows it. */
export interface GridEntry {
  /** Its place in the report. */
  readonly place: number;
  readonly photo: ReportPhoto;
  /** What the run says of it; null: it has not got it. */
  readonly said: PhotoInRun | null;
  /** Place of the result that is drawn; null: there is none. */
  readonly result: number | null;
}

/** The result of a maker for a class and what is asked of it; else for the first class, and of the first maker. */
export function resultOf(said: PhotoInRun | null, maker: number, target: number, kind: string): number | null {
  if (!said) return null;
  const { results } = said;
  const chosen = results.some(result => result.maker === maker) ? maker : results[0]?.maker;
  const own = results.flatMap((result, place) => (result.maker === chosen ? [place] : []));
  const ofClass = own.filter(place => results[place]!.target.index === target);
  return ofClass.find(place => results[place]!.target.kind === kind) ?? ofClass[0] ?? own[0] ?? null;
}

/** Of all photographs, as they were given. */
export const gridEntries = computed<readonly GridEntry[]>(() => {
  const run = shownRun.value;
  const { maker, target, kind } = settings;
  return report.value.photos.map((photo, place) => {
    const said = photo.runs[run] ?? null;
    return { place, photo, said, result: resultOf(said, maker.value, target.value, kind.value) };
  });
});

/** How many photographs each value of `settings.only` would leave. */
export const onlyCounts = computed<Readonly<Record<string, number>>>(() =>
  Object.fromEntries(ONLY_NAMES.map(name => [name, gridEntries.value.filter(ONLY[name]!).length])),
);

/** Those that the filters leave, sorted. */
export const shownEntries = computed<readonly GridEntry[]>(() => {
  const text = settings.find.value.trim().toLowerCase();
  const only = ONLY[settings.only.value];
  const first = settings.class.value;
  const left = gridEntries.value.filter(
    entry =>
      (text === '' || entry.photo.name.toLowerCase().includes(text)) &&
      (first < 0 || entry.said?.predictions[0]?.index === first) &&
      (!only || only(entry)),
  );
  return sorted(left, settings.sort.value, settings.descending.value);
});

const names = new Intl.Collator('en', { numeric: true });
const STATUSES = ['ok', 'constant', 'zero', 'not-finite'];

/** What has no value comes last both ways; equal ones stay as they were given. */
function sorted(entries: readonly GridEntry[], sort: string, descending: boolean): readonly GridEntry[] {
  const sign = descending ? -1 : 1;
  if (sort === 'name') return entries.toSorted((a, b) => sign * names.compare(a.photo.name, b.photo.name));
  const keyed = entries.map(entry => ({ entry, key: keyOf(entry, sort) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
    return sign * (a.key - b.key);
  });
  return keyed.map(({ entry }) => entry);
}

function keyOf(entry: GridEntry, sort: string): number | null {
  const { place, said, result } = entry;
  const drawn = said?.results[result ?? -1];
  if (sort === 'confidence') return said?.predictions[0]?.probability ?? null;
  if (sort === 'status') return said?.error ? STATUSES.length : drawn ? STATUSES.indexOf(drawn.status) : null;
  const metric = drawn?.metrics[sort];
  if (metric !== undefined) return metric;
  return isMetric(sort) ? null : place;
}

/** Metrics that a result of the run has. */
export const gridMetrics = computed<readonly string[]>(() => {
  const found = new Set<string>();
  for (const { said } of gridEntries.value)
    for (const { metrics } of said?.results ?? []) for (const name in metrics) found.add(name);
  return [...found];
});

const isMetric = (sort: string): boolean => gridMetrics.value.includes(sort);
