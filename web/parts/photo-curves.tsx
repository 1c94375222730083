import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { SmallCurve } from '../../lib/report/payload.ts';
import { halvesOf } from '../draw/base64.ts';
import { axesOf } from '../state/curve-words.ts';
import { makerNames } from '../state/maker-names.ts';
import { payloadOf } from '../state/payloads.ts';
import { report } from '../state/report.ts';
import { type Selected, targetKey } from '../state/selected.ts';
import { shownPhoto } from '../state/shown.ts';
import { className } from '../state/words.ts';
import { CurveChart, type CurveSeries } from './curve-chart.tsx';
import { chosenMetric, MetricSelect } from './metric-select.tsx';
import { Section } from './section.tsx';

/** A line of a chart for each result of the photograph, by metric. */
type Curves = ReadonlyMap<string, readonly CurveSeries[]>;

/** Deletion, insertion and the like of one photograph, a line for each method, and each class if several were judged. */
export function PhotoCurves({ run, said }: Selected) {
  const photo = shownPhoto.value;
  const loaded = useSignal<Curves>(new Map());
  useEffect(() => {
    let ended = false;
    // What is missing is said where the picture is.
    curvesOf(photo, run, said).then(
      curves => {
        if (!ended) loaded.value = curves;
      },
      () => {},
    );
    return () => {
      ended = true;
    };
  }, [photo, run, said]);
  const metrics = [...loaded.value.keys()];
  const metric = chosenMetric(metrics);
  const series = useMemo(() => loaded.value.get(metric ?? '') ?? [], [loaded.value, metric]);
  if (metric === undefined) return null;
  const { x, y } = axesOf(metric);
  return (
    <Section title="Curves of this photograph">
      <MetricSelect metrics={metrics} />
      <CurveChart
        series={series}
        xLabel={x}
        yLabel={y}
        label={`${metric} of this photograph: lines of ${series.map(({ name }) => name).join(', ')}`}
      />
    </Section>
  );
}

async function curvesOf(photo: number, run: number, said: Selected['said']): Promise<Curves> {
  const found = new Map<string, CurveSeries[]>();
  const { makers } = report.peek().runs[run]!;
  const names = makerNames(makers);
  const { curves } = await payloadOf(report.peek().photos[photo]!);
  const judged = said?.results.filter(({ map }) => map !== null && curves[map]) ?? [];
  const several = new Set(judged.map(({ target }) => targetKey(target))).size > 1;
  for (const { maker, target, map } of judged)
    for (const [metric, curve] of Object.entries(curves[map!]!)) {
      const name = several ? `${names[maker]!} for ${className(target)}` : names[maker]!;
      const line = { name, ...pointsOf(curve), dashed: makers[maker]!.control };
      const lines = found.get(metric) ?? [];
      found.set(metric, [...lines, line]);
    }
  return found;
}

const pointsOf = ({ x, y }: SmallCurve): { x: number[]; y: number[] } => ({ x: [...halvesOf(x)], y: [...halvesOf(y)] });
