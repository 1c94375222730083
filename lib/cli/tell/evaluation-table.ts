import { CONTROLS } from '../../evaluation/direction.ts';
import type { EvaluationSummary } from '../../evaluation/summary.ts';
import {
  ARROWS,
  columnInterval,
  columnNumber,
  type SummaryColumn,
  type SummaryMaker,
  type SummaryTable,
  summaryTable,
  whyMissing,
} from '../../evaluation/summary-table.ts';
import { formatTable } from './table.ts';
import { oneLine, plural } from './text.ts';

/** Marks the best value of a column. */
const BEST = '*';

/**
 * A summary as tables: a line for each maker of maps, a column for each metric with the mean and its interval, so many side by side as
 * fit. Controls are below the methods and never the best.
 * @param width characters of a line
 */
export function evaluationTable(summary: EvaluationSummary, width = 120): string[] {
  const { images, failed, metrics } = summary;
  const table = summaryTable(summary);
  const { makers } = table;
  if (makers.length === 0) return [`no image was evaluated${failed > 0 ? `, ${failed} failed` : ''}`];
  const columns = table.columns.map(column => printed(column, images));
  const usual = `${plural(images, 'image')}${failed > 0 ? `, ${failed} failed` : ''}`;
  return [
    ...inBlocks(headings(table), makers, columns, width),
    `mean [95 % interval] over ${usual}; ${BEST} best method of a column, ↑ higher is better, ↓ lower is; (n) where fewer images have a value, – none has`,
    ...(makers.some(({ control }) => control)
      ? [
          `${CONTROLS.join(', ')}: maps that have not seen the model; where they do as well, a metric says nothing for a method`,
        ]
      : []),
    ...whyMissing(metrics).map(
      ({ reason, metrics: names, images: most }) =>
        `no value of ${names.join(', ')} in up to ${plural(most, 'image')}: ${oneLine(reason)}`,
    ),
  ];
}

interface Column {
  readonly heading: string;
  readonly cells: readonly string[];
}

function printed(column: SummaryColumn, images: number): Column {
  const { name, direction, percent } = column;
  const cells = column.cells.map(cell => {
    if (!cell) return '';
    const { mean, ci95, n, isBest } = cell;
    if (mean === null) return ' –';
    const interval = ci95 ? ` [${columnInterval(column, ci95)}]` : '';
    return `${isBest ? BEST : ' '}${columnNumber(column, mean)}${interval}${n < images ? ` (${n})` : ''}`;
  });
  return { heading: ` ${name} ${ARROWS[direction]}${percent ? ' %' : ''}`, cells };
}

/** Layer, convention and parameters only where they differ. */
function headings({ fields }: SummaryTable): {
  readonly names: string[];
  readonly of: (maker: SummaryMaker) => string[];
} {
  return { names: ['method', ...fields], of: maker => [maker.method, ...fields.map(field => maker[field])] };
}

function inBlocks(
  heads: ReturnType<typeof headings>,
  makers: readonly SummaryMaker[],
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
