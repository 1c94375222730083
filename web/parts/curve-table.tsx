import { useSignal } from '@preact/signals';
import uPlot from 'uplot';
import { shortNumber } from '../state/words.ts';
import type { CurveChartProps, CurveSeries } from './curve-chart.tsx';
import { Scroll } from './scroll.tsx';

/** What a chart shows, as numbers; made when it is opened. */
export function CurveTable({ series, xLabel, label }: Pick<CurveChartProps, 'series' | 'xLabel' | 'label'>) {
  const isOpen = useSignal(false);
  return (
    <details
      onToggle={event => {
        isOpen.value = event.currentTarget.open;
      }}
    >
      <summary>Values as a table</summary>
      {isOpen.value && series.length > 0 && (
        <Scroll label={label}>
          <table>
            <thead>
              <tr>
                <th scope="col">{xLabel}</th>
                {series.map(({ name }, i) => (
                  <th scope="col" class="number" key={i}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rowsOf(series).map(({ x, values }) => (
                <tr key={x}>
                  <th scope="row">{shortNumber(x)}</th>
                  {values.map((value, i) => (
                    <td class="number" key={i}>
                      {value == null ? '–' : shortNumber(value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </details>
  );
}

interface Row {
  readonly x: number;
  readonly values: readonly (number | null | undefined)[];
}

/** All x that some line has. */
function rowsOf(series: readonly CurveSeries[]): Row[] {
  const [xs, ...columns] = uPlot.join(series.map(({ x, y }) => [[...x], [...y]]));
  return [...xs].map((x, i) => ({ x, values: columns.map(column => column[i]) }));
}
