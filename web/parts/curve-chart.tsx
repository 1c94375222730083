import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { isDark } from '../state/theme.ts';
import { shortNumber } from '../state/words.ts';
import { CurveTable } from './curve-table.tsx';

export interface CurveSeries {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly dashed?: boolean;
}

export interface CurveChartProps {
  readonly series: readonly CurveSeries[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** For screen readers. */
  readonly label: string;
  /** Of y; default: what the curves need. */
  readonly range?: readonly [least: number, most: number];
}

/** Told apart by the colour-blind too (Okabe and Ito), as far as there are enough. */
const COLOURS = {
  light: ['#0060a8', '#c04000', '#00795c', '#a8397f', '#8a6400', '#2f8fc4', '#5b4bb5', '#5f6670'],
  dark: ['#6cb6ff', '#ff9557', '#45d0a5', '#f29bd0', '#e8c44a', '#9fd8ff', '#b9adff', '#b4bcc6'],
};
const HEIGHT = 300;

/** Lines over one x axis; those under the legend's buttons can be hidden, and the values below the pointer are beside them. */
export function CurveChart({ series, xLabel, yLabel, label, range }: CurveChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const hidden = useSignal<ReadonlySet<number>>(new Set());
  const values = useSignal<readonly (number | null | undefined)[]>([]);
  const dark = isDark.value;
  const colours = COLOURS[dark ? 'dark' : 'light'];
  useLayoutEffect(() => {
    const text = dark ? '#a3adb9' : '#555f6b';
    const grid = { stroke: dark ? '#2b313a' : '#e6e9ed', width: 1 };
    const axis = {
      stroke: text,
      grid,
      ticks: grid,
      labelSize: 22,
      font: '12px system-ui',
      labelFont: '12px system-ui',
    };
    const made = new uPlot(
      {
        width: box.current!.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: { x: { time: false }, ...(range && { y: { range: [...range] as [number, number] } }) },
        axes: [
          { ...axis, label: xLabel },
          { ...axis, label: yLabel, size: 56 },
        ],
        series: [
          {},
          ...series.map((one, i) => ({
            stroke: colours[i % colours.length]!,
            width: 2,
            spanGaps: true,
            show: !hidden.peek().has(i),
            points: { show: false },
            ...(one.dashed && { dash: [6, 5] }),
          })),
        ],
        hooks: {
          setCursor: [
            ({ cursor: { idx }, data }) => {
              values.value = idx == null ? [] : data.slice(1).map(column => column[idx]);
            },
          ],
        },
      },
      aligned(series),
      box.current!,
    );
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: box.current!.clientWidth, height: HEIGHT }));
    observer.observe(box.current!);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [series, xLabel, yLabel, range?.[0], range?.[1], dark]);
  const toggle = (i: number) => {
    const now = new Set(hidden.value);
    if (!now.delete(i)) now.add(i);
    hidden.value = now;
    chart.current?.setSeries(i + 1, { show: !now.has(i) });
  };
  return (
    <figure class="curves">
      <div ref={box} class="chart" role="img" aria-label={label} />
      <ul class="legend" aria-label="Lines">
        {series.map((one, i) => (
          <li key={i}>
            <button type="button" aria-pressed={!hidden.value.has(i)} onClick={() => toggle(i)}>
              <svg width="24" height="8" aria-hidden="true">
                <line
                  x2="24"
                  y1="4"
                  y2="4"
                  stroke={colours[i % colours.length]}
                  stroke-width="3"
                  stroke-dasharray={one.dashed ? '6 4' : undefined}
                />
              </svg>
              <span>{one.name}</span>
              <output>{values.value[i] == null ? '' : shortNumber(values.value[i])}</output>
            </button>
          </li>
        ))}
      </ul>
      <CurveTable series={series} xLabel={xLabel} label={label} />
    </figure>
  );
}

/** All over the same x; gaps where a curve has no point. */
function aligned(series: readonly CurveSeries[]): uPlot.AlignedData {
  if (series.length === 0) return [[]];
  return uPlot.join(series.map(({ x, y }) => [[...x], [...y]]));
}
