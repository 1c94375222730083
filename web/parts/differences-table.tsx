import { makerKey } from '../../lib/evaluation/rows.ts';
import { columnNumber, type SummaryTable } from '../../lib/evaluation/summary-table.ts';
import { minus, signed } from '../state/words.ts';
import { Maker } from './maker.tsx';
import { heading } from './means-table.tsx';
import { Scroll } from './scroll.tsx';

export interface DifferencesTableProps {
  readonly first: SummaryTable;
  readonly second: SummaryTable;
  readonly caption: string;
}

/** The means of the second run less those of the first one, where both have the maker and the metric. */
export function DifferencesTable({ first, second, caption }: DifferencesTableProps) {
  const rows = first.makers.flatMap((maker, a) => {
    const b = second.makers.findIndex(other => makerKey(other) === makerKey(maker));
    return b < 0 ? [] : [{ maker, a, b }];
  });
  const columns = first.columns.flatMap(column => {
    const other = second.columns.find(({ name }) => name === column.name);
    return other ? [{ column, other }] : [];
  });
  if (rows.length === 0 || columns.length === 0)
    return <p>The runs have no method with the same layer, parameters and metric in common.</p>;
  return (
    <Scroll label={caption}>
      <table class="means">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">method</th>
            {columns.map(({ column }) => (
              <th key={column.name} scope="col" class="number">
                {heading(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ maker, a, b }) => (
            <tr key={makerKey(maker)} class={maker.control ? 'control-row' : undefined}>
              <th scope="row">
                <Maker maker={maker} fields={first.fields} />
              </th>
              {columns.map(({ column, other }) => {
                const [before, after] = [column.cells[a]?.mean ?? null, other.cells[b]?.mean ?? null];
                if (before === null || after === null)
                  return (
                    <td key={column.name} class="number">
                      –
                    </td>
                  );
                const number = columnNumber(column, after - before);
                return (
                  <td
                    key={column.name}
                    class={`number ${Number(number) === 0 ? '' : betterOrWorse(number, column.direction)}`}
                  >
                    {signed(number)}
                    <span class="more">
                      {minus(`${columnNumber(column, before)} → ${columnNumber(column, after)}`)}
                    </span>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function betterOrWorse(number: string, direction: 'higher' | 'lower'): string {
  return Number(number) > 0 === (direction === 'higher') ? 'better' : 'worse';
}
