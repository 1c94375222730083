import { useSignal } from '@preact/signals';
import type { Comparison } from '../../lib/evaluation/compare.ts';
import { type MapMaker, makerKey } from '../../lib/evaluation/rows.ts';
import { columnInterval, columnNumber, type SummaryTable } from '../../lib/evaluation/summary-table.ts';
import { makerNames } from '../state/maker-names.ts';
import { minus, pValue, signed } from '../state/words.ts';
import { Maker } from './maker.tsx';
import { heading } from './means-table.tsx';
import { Scroll } from './scroll.tsx';
import { Select } from './select.tsx';

export interface ComparisonsTableProps {
  readonly comparisons: readonly Comparison[];
  readonly table: SummaryTable;
  readonly caption: string;
}

/** Differences below this are not clear. */
const CLEAR = 0.05;

/** Pairs of makers by a metric. */
export function ComparisonsTable({ comparisons, table, caption }: ComparisonsTableProps) {
  const metrics = [...new Set(comparisons.map(({ metric }) => metric))];
  const chosen = useSignal(metrics[0]!);
  const one = useSignal('');
  const metric = metrics.includes(chosen.value) ? chosen.value : metrics[0]!;
  const column = table.columns.find(({ name }) => name === metric)!;
  const isOf = ({ a, b }: Comparison) => one.value === '' || [a, b].some(maker => makerKey(maker) === one.value);
  const makers = new Map(table.makers.map(maker => [makerKey(maker), maker]));
  const named = (maker: MapMaker) => <Maker maker={makers.get(makerKey(maker))!} fields={table.fields} />;
  return (
    <>
      <div class="controls">
        <Select
          label="Metric"
          value={metric}
          options={metrics.map(value => ({ value, text: value }))}
          onChange={value => {
            chosen.value = value;
          }}
        />
        {table.makers.length > 3 && (
          <Select
            label="Pairs with"
            value={one.value}
            options={[
              { value: '', text: 'all' },
              ...makerNames(table.makers).map((text, i) => ({ value: makerKey(table.makers[i]!), text })),
            ]}
            onChange={value => {
              one.value = value;
            }}
          />
        )}
      </div>
      <Scroll label={caption} tall>
        <table class="pairs">
          <caption class="visually-hidden">{caption}</caption>
          <thead>
            <tr>
              <th scope="col">a</th>
              <th scope="col">b</th>
              <th scope="col" class="number">
                a − b, {heading(column)}
              </th>
              <th scope="col" class="number">
                95 % interval
              </th>
              <th scope="col" class="number">
                a / equal / b
              </th>
              <th scope="col" class="number">
                p (Holm)
              </th>
              <th scope="col">better</th>
            </tr>
          </thead>
          <tbody>
            {comparisons.flatMap(pair => {
              if (pair.metric !== metric || !isOf(pair)) return [];
              const { a, b, difference, ci95, wins, ties, losses, pHolm } = pair;
              const isClear = pHolm < CLEAR && difference !== 0;
              const aIsBetter = difference > 0 === (column.direction === 'higher');
              return (
                <tr key={`${makerKey(a)} ${makerKey(b)}`}>
                  <th scope="row">{named(a)}</th>
                  <td>{named(b)}</td>
                  <td class="number">{signed(columnNumber(column, difference))}</td>
                  <td class="number">{ci95 ? minus(`[${columnInterval(column, ci95)}]`) : '–'}</td>
                  <td class="number">
                    {wins} / {ties} / {losses}
                  </td>
                  <td class="number">{pValue(pHolm)}</td>
                  <td>{isClear ? named(aIsBetter ? a : b) : <span class="muted">not clear</span>}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}
