import { useSignal } from '@preact/signals';
import { makerKey } from '../../lib/evaluation/rows.ts';
import {
  ARROWS,
  columnInterval,
  columnNumber,
  type SummaryCell,
  type SummaryColumn,
  type SummaryTable,
} from '../../lib/evaluation/summary-table.ts';
import { minus, plural, shortNumber } from '../state/words.ts';
import { Maker } from './maker.tsx';
import { Scroll } from './scroll.tsx';

export interface MeansTableProps {
  readonly table: SummaryTable;
  readonly images: number;
  readonly caption: string;
}

/** Means with their intervals; the heading of a column sorts by it, the best first, then the worst. Controls stay below. */
export function MeansTable({ table: { makers, fields, columns }, images, caption }: MeansTableProps) {
  const sort = useSignal<{ readonly name: string; readonly worst: boolean } | null>(null);
  const chosen = columns.find(({ name }) => name === sort.value?.name);
  const rows = makers.map((maker, row) => ({ maker, row }));
  if (chosen) rows.sort((a, b) => ordered(chosen, sort.value!.worst, a.row, b.row));
  rows.sort((a, b) => Number(a.maker.control) - Number(b.maker.control));
  const hasRanks = makers.length > 1;
  const sortBy = (name: string) => {
    const now = sort.value;
    sort.value = now?.name !== name ? { name, worst: false } : now.worst ? null : { name, worst: true };
  };
  return (
    <Scroll label={caption}>
      <table class="means">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">method</th>
            {columns.map(column => (
              <th key={column.name} scope="col" class="number" aria-sort={sortedBy(column, sort.value)}>
                <button type="button" class="plain" onClick={() => sortBy(column.name)}>
                  {heading(column)}
                  {column === chosen && (
                    <span class="sorted">{sort.value!.worst ? ' worst first' : ' best first'}</span>
                  )}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ maker, row }) => (
            <tr key={makerKey(maker)} class={maker.control ? 'control-row' : undefined}>
              <th scope="row">
                <Maker maker={maker} fields={fields} />
              </th>
              {columns.map(column => (
                <Cell key={column.name} column={column} cell={column.cells[row]!} images={images} hasRanks={hasRanks} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** "deletion ↓", "average-drop ↓ %". */
export function heading({ name, direction, percent }: SummaryColumn): string {
  return `${name} ${ARROWS[direction]}${percent ? ' %' : ''}`;
}

function sortedBy({ name, direction }: SummaryColumn, sort: { name: string; worst: boolean } | null) {
  if (sort?.name !== name) return undefined;
  return (direction === 'lower') === sort.worst ? 'descending' : 'ascending';
}

/** Without a value last, both ways. */
function ordered({ cells, direction }: SummaryColumn, worst: boolean, a: number, b: number): number {
  const [x, y] = [cells[a]?.mean ?? null, cells[b]?.mean ?? null];
  if (x === null || y === null) return Number(x === null) - Number(y === null);
  return (direction === 'higher') === worst ? x - y : y - x;
}

interface CellProps {
  readonly column: SummaryColumn;
  readonly cell: SummaryCell | null;
  readonly images: number;
  readonly hasRanks: boolean;
}

function Cell({ column, cell, images, hasRanks }: CellProps) {
  if (!cell) return <td class="number" />;
  const { mean, ci95, n, missing, rank, rankImages, isBest } = cell;
  const why = Object.entries(missing).map(([reason, count]) => `${count} without: ${reason}`);
  return (
    <td class={isBest ? 'number best' : 'number'}>
      {mean === null ? '–' : minus(columnNumber(column, mean))}
      {isBest && <span class="visually-hidden"> (best)</span>}
      {mean !== null && ci95 && <span class="more">{minus(`[${columnInterval(column, ci95)}]`)}</span>}
      {n < images && (
        <span class="more" title={why.join('\n') || undefined}>
          n {n} of {images}
        </span>
      )}
      {hasRanks && rank !== null && (
        <span class="more" title={`mean rank over ${plural(rankImages, 'image')} where all have a value`}>
          rank {shortNumber(rank)}
        </span>
      )}
    </td>
  );
}
