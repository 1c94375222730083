import { CONTROLS } from '../evaluation/direction.ts';
import type { EvaluationSummary, SummaryEntry } from '../evaluation/summary.ts';
import { METRICS } from '../metrics/registry.ts';
import { ARROWS } from './metrics.ts';
import { formatTable } from './table.ts';
import { oneLine, plural } from './text.ts';

type Entry = Pick<
  SummaryEntry,
  'method' | 'layer' | 'convention' | 'params' | 'control' | 'direction' | 'ci95' | 'n'
> & {
  readonly metric: string;
  readonly mean: number | null;
};

/** Marks the best value of a column. */
const BEST = '*';

/**
 * A summary as tables: a line for each maker of maps, a column for each metric with the mean and its interval, so many side by side as
 * fit. Controls are below the methods and never the best.
 * @param width characters of a line
 */
export function evaluationTable(summary: EvaluationSummary, width = 120): string[] {
  const { metrics, dataSet, images, failed } = summary;
  const entries: Entry[] = [
    ...metrics,
    ...dataSet.map(({ name, value, ...rest }) => ({ ...rest, metric: name, mean: value })),
  ];
  if (entries.length === 0) return [`no image was evaluated${failed > 0 ? `, ${failed} failed` : ''}`];
  const names = [...new Set(entries.map(({ metric }) => metric))];
  const makers = [...new Map(entries.map(entry => [keyOf(entry), entry])).values()].sort(
    (a, b) => Number(a.control) - Number(b.control),
  );
  const heads = headings(makers);
  const columns = names.map(name => columnOf(name, entries, makers, images));
  const usual = `${plural(images, 'image')}${failed > 0 ? `, ${failed} failed` : ''}`;
  return [
    ...inBlocks(heads, makers, columns, width),
    `mean [95 % interval] over ${usual}; ${BEST} best method of a column, ↑ higher is better, ↓ lower is; (n) where fewer images have a value, – none has`,
    ...(makers.some(({ control }) => control)
      ? [
          `${CONTROLS.join(', ')}: maps that have not seen the model; where they do as well, a metric says nothing for a method`,
        ]
      : []),
    ...whyMissing(metrics),
  ];
}

/** Why methods lack values; metrics with the same reason share a line. Of controls nobody asks. */
function whyMissing(metrics: readonly SummaryEntry[]): string[] {
  const found = new Map<string, { readonly names: Set<string>; images: number }>();
  for (const { metric, missing, control } of metrics)
    for (const [reason, images] of control ? [] : Object.entries(missing)) {
      let one = found.get(reason);
      if (!one) found.set(reason, (one = { names: new Set(), images: 0 }));
      one.names.add(metric);
      one.images = Math.max(one.images, images);
    }
  return [...found].map(([reason, { names, images }]) => {
    return `no value of ${[...names].join(', ')} in up to ${plural(images, 'image')}: ${oneLine(reason)}`;
  });
}

interface Column {
  readonly heading: string;
  readonly cells: readonly string[];
}

function columnOf(name: string, entries: readonly Entry[], makers: readonly Entry[], images: number): Column {
  const own = new Map(entries.filter(({ metric }) => metric === name).map(entry => [keyOf(entry), entry]));
  const { direction } = own.values().next().value as Entry;
  const sign = direction === 'higher' ? 1 : -1;
  const means = [...own.values()].flatMap(({ control, mean }) => (control || mean === null ? [] : [sign * mean]));
  const best = means.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  // Where all are equal, or there is one alone, none is better than another.
  const isContest = means.some(mean => mean !== best);
  const percent = isPercentage(name);
  const digits = percent ? 1 : digitsFor([...own.values()].map(({ mean }) => Math.abs(mean ?? 0)));
  const number = (value: number) => (percent ? 100 * value : value).toFixed(digits);
  const cells = makers.map(maker => {
    const entry = own.get(keyOf(maker));
    if (!entry) return '';
    const { mean, ci95, n, control } = entry;
    if (mean === null) return ' –';
    const mark = isContest && !control && sign * mean === best ? BEST : ' ';
    const interval = ci95 ? ` [${number(ci95[0])}, ${number(ci95[1])}]` : '';
    return `${mark}${number(mean)}${interval}${n < images ? ` (${n})` : ''}`;
  });
  return { heading: ` ${name} ${ARROWS[direction]}${percent ? ' %' : ''}`, cells };
}

/** Papers print these as percentages. */
function isPercentage(name: string): boolean {
  const metric = METRICS.find(one => one.name === name);
  return metric?.family === 'confidence' && metric.unit !== 'score';
}

/** Digits behind the point, of a column: three of its largest mean at least, so that small ones can be told apart. */
function digitsFor(means: readonly number[]): number {
  const largest = Math.max(...means);
  if (largest === 0) return 3;
  const places = 3 - Math.floor(Math.log10(largest));
  return largest >= 0.1 ? Math.max(0, Math.min(3, places)) : Math.min(12, places - 1);
}

/** What tells makers apart: layer, convention and parameters only where they differ. */
function headings(makers: readonly Entry[]): { readonly names: string[]; readonly of: (maker: Entry) => string[] } {
  const shown = (['layer', 'convention', 'params'] as const).filter(
    name => new Set(makers.filter(({ control }) => !control).map(maker => maker[name])).size > 1,
  );
  return { names: ['method', ...shown], of: maker => [maker.method, ...shown.map(name => maker[name])] };
}

function inBlocks(
  heads: ReturnType<typeof headings>,
  makers: readonly Entry[],
  columns: readonly Column[],
  width: number,
): string[] {
  const lines: string[] = [];
  const left = formatTable(heads.names, makers.map(heads.of));
  const leftWidth = Math.max(...left.map(line => line.length));
  for (let from = 0; from < columns.length; ) {
    let to = from;
    let used = leftWidth;
    do {
      const { heading, cells } = columns[to]!;
      used += 2 + Math.max(heading.length, ...cells.map(cell => cell.length));
      if (used <= width || to === from) to++;
    } while (used <= width && to < columns.length);
    const block = columns.slice(from, to);
    const rows = makers.map((maker, i) => [...heads.of(maker), ...block.map(({ cells }) => cells[i]!)]);
    lines.push(...formatTable([...heads.names, ...block.map(({ heading }) => heading)], rows), '');
    from = to;
  }
  return lines;
}

function keyOf({ method, layer, convention, params }: Omit<Entry, 'metric'>): string {
  return JSON.stringify([method, layer, convention, params]);
}
