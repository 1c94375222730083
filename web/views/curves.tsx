import { useMemo } from 'preact/hooks';
import type { MeanCurve } from '../../lib/evaluation/curves.ts';
import { isControl } from '../../lib/evaluation/direction.ts';
import { CurveChart, type CurveSeries } from '../parts/curve-chart.tsx';
import { chosenMetric, MetricSelect } from '../parts/metric-select.tsx';
import { Section } from '../parts/section.tsx';
import { axesOf } from '../state/curve-words.ts';
import { makerNames } from '../state/maker-names.ts';
import { report } from '../state/report.ts';
import { plural } from '../state/words.ts';

/** Mean curves of an evaluation, a line for each maker; of two runs both, over the same range. */
export function CurvesView() {
  const { runs } = report.value;
  const metrics = [...new Set(runs.flatMap(({ curves }) => curves.map(({ metric }) => metric)))];
  const metric = chosenMetric(metrics) ?? '';
  const shown = useMemo(
    () =>
      runs.flatMap(({ name, curves }) => {
        const own = curves.filter(curve => curve.metric === metric);
        return own.length === 0 ? [] : [{ name, own, series: seriesOf(own) }];
      }),
    [runs, metric],
  );
  const range = rangeOf(shown.flatMap(({ own }) => own));
  const { x, y } = axesOf(metric);
  return (
    <>
      <MetricSelect metrics={metrics} />
      <div class="charts">
        {shown.map(({ name, own, series }, i) => {
          const title = runs.length > 1 ? `Mean ${metric} of ${name}` : `Mean ${metric}`;
          return (
            <Section key={i} title={title}>
              <p class="muted">{countsOf(own)}</p>
              <CurveChart
                series={series}
                xLabel={x}
                yLabel={y}
                range={range}
                label={`${title}: lines of ${series.map(line => line.name).join(', ')}`}
              />
            </Section>
          );
        })}
      </div>
    </>
  );
}

/** Methods first; inputs of another size have lines of their own. */
function seriesOf(curves: readonly MeanCurve[]): CurveSeries[] {
  const marked = curves.map(curve => ({ ...curve, control: isControl(curve.method) }));
  const names = makerNames(marked);
  const counts = new Set(curves.map(({ n }) => n)).size;
  return marked
    .map(({ x, y, n, control }, i) => {
      const isTwice = names.indexOf(names[i]!) !== names.lastIndexOf(names[i]!);
      const more = [...(isTwice ? [plural(x.length, 'point')] : []), ...(counts > 1 ? [`n ${n}`] : [])];
      const name = more.length > 0 ? `${names[i]} (${more.join(', ')})` : names[i]!;
      return { name, x, y, dashed: control };
    })
    .sort((a, b) => Number(a.dashed) - Number(b.dashed));
}

function countsOf(curves: readonly MeanCurve[]): string {
  const counts = curves.map(({ n }) => n);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const over = least === most ? plural(most, 'image') : `${least} to ${plural(most, 'image')}`;
  return `Means over ${over}${curves.some(({ method }) => isControl(method)) ? '; controls are dashed' : ''}.`;
}

/** With some air. */
function rangeOf(curves: readonly MeanCurve[]): [number, number] {
  const values = curves.flatMap(({ y }) => y).filter(Number.isFinite);
  if (values.length === 0) return [0, 1];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const air = 0.04 * (most - least || 1);
  return [least - air, most + air];
}
