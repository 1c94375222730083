import type { Direction } from '../metrics/definition.ts';
import type { Interval } from './bootstrap.ts';
import { type MapMaker, makerKey } from './rows.ts';
import type { DataSetEntry, EvaluationSummary, SummaryEntry } from './summary.ts';
import { type MakerField, tellingFields } from './telling-fields.ts';

// A summary as a table, for the command and for the page of a report: a row for each maker of maps, a column for each figure.

/** Which way is better. */
export const ARROWS = { higher: '↑', lower: '↓' } as const;

/** Metrics that papers print as percentages: the confidence family's shares. */
export const PERCENTAGES: ReadonlySet<string> = new Set([
  'average-drop',
  'average-increase',
  'average-gain',
  'half-muted-drop',
]);

export interface SummaryMaker extends MapMaker {
  readonly control: boolean;
}

/** One maker's figure. */
export interface SummaryCell extends Pick<SummaryEntry, 'mean' | 'ci95' | 'n' | 'missing' | 'rank' | 'rankImages'> {
  /** Whether it is the best of its column: of methods, never of controls, and only where another has a worse one. */
  readonly isBest: boolean;
}

export interface SummaryColumn {
  readonly name: string;
  readonly direction: Direction;
  /** Whether numbers are percentages, and how many digits they have behind the point. */
  readonly percent: boolean;
  readonly digits: number;
  /** Of each maker; null where it has none. */
  readonly cells: readonly (SummaryCell | null)[];
}

export interface SummaryTable {
  /** Methods above controls. */
  readonly makers: readonly SummaryMaker[];
  /** What tells them apart besides the method. */
  readonly fields: readonly MakerField[];
  /** Metrics, then figures that only the data set has. */
  readonly columns: readonly SummaryColumn[];
}

type Entry = SummaryMaker & Omit<SummaryCell, 'isBest'> & { readonly name: string; readonly direction: Direction };

export function summaryTable({ metrics, dataSet }: Pick<EvaluationSummary, 'metrics' | 'dataSet'>): SummaryTable {
  const entries: Entry[] = [...metrics.map(entry => ({ ...entry, name: entry.metric })), ...dataSet.map(ofDataSet)];
  const makers = [...new Map(entries.map(entry => [makerKey(entry), entry])).values()].sort(
    (a, b) => Number(a.control) - Number(b.control),
  );
  const names = [...new Set(entries.map(({ name }) => name))];
  return {
    makers,
    fields: tellingFields(makers),
    columns: names.map(name =>
      columnOf(
        entries.filter(entry => entry.name === name),
        makers,
      ),
    ),
  };
}

function ofDataSet({ value, ...entry }: DataSetEntry): Entry {
  return { ...entry, mean: value, missing: {}, rank: null, rankImages: 0 };
}

function columnOf(entries: readonly Entry[], makers: readonly SummaryMaker[]): SummaryColumn {
  const { name, direction } = entries[0]!;
  // A figure of the data set takes the place of a metric of its name.
  const byMaker = new Map(entries.map(entry => [makerKey(entry), entry]));
  const own = [...byMaker.values()];
  const sign = direction === 'higher' ? 1 : -1;
  const means = own.flatMap(({ control, mean }) => (control || mean === null ? [] : [sign * mean]));
  const best = means.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  // Where all are equal, or there is one alone, none is better than another.
  const isContest = means.some(mean => !isSame(mean, best));
  const percent = PERCENTAGES.has(name);
  return {
    name,
    direction,
    percent,
    digits: percent ? 1 : digitsFor(own.map(({ mean }) => Math.abs(mean ?? 0))),
    cells: makers.map(maker => {
      const entry = byMaker.get(makerKey(maker));
      if (!entry) return null;
      const { mean, ci95, n, missing, rank, rankImages, control } = entry;
      const isBest = isContest && !control && mean !== null && isSame(sign * mean, best);
      return { mean, ci95, n, missing, rank, rankImages, isBest };
    }),
  };
}

/** But for rounding: sums of the same values in another order. */
function isSame(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));
}

/** Digits behind the point, of a column: three of its largest mean at least, so that small ones can be told apart. */
function digitsFor(means: readonly number[]): number {
  const largest = Math.max(...means);
  if (largest === 0) return 3;
  const places = 3 - Math.floor(Math.log10(largest));
  return largest >= 0.1 ? Math.max(0, Math.min(3, places)) : Math.min(12, places - 1);
}

/** A number of the column, without its sign of percent. */
export function columnNumber({ percent, digits }: Pick<SummaryColumn, 'percent' | 'digits'>, value: number): string {
  return (percent ? 100 * value : value).toFixed(digits);
}

/** "0.41, 0.47" of an interval. */
export function columnInterval(column: Pick<SummaryColumn, 'percent' | 'digits'>, interval: Interval): string {
  return interval.map(bound => columnNumber(column, bound)).join(', ');
}

/** Why methods lack values, and in up to how many images; metrics with the same reason share one. Of controls nobody asks. */
export function whyMissing(
  metrics: readonly SummaryEntry[],
): { readonly reason: string; readonly metrics: readonly string[]; readonly images: number }[] {
  const found = new Map<string, { readonly names: Set<string>; images: number }>();
  for (const { metric, missing, control } of metrics)
    for (const [reason, images] of control ? [] : Object.entries(missing)) {
      let one = found.get(reason);
      if (!one) found.set(reason, (one = { names: new Set(), images: 0 }));
      one.names.add(metric);
      one.images = Math.max(one.images, images);
    }
  return [...found].map(([reason, { names, images }]) => ({ reason, metrics: [...names], images }));
}
