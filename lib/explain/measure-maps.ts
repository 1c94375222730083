import type { ChosenMetric } from '../metrics/choose.ts';
import type { MetricCase, MetricValue, VariantScores } from '../metrics/definition.ts';
import { JudgedMap } from '../metrics/judged-map.ts';
import type { Measurement, Measurements } from '../metrics/measurement.ts';
import type { TruthAtInput } from '../metrics/truth-at-input.ts';
import type { MeasuredImage } from './measured-image.ts';
import { whyForeign } from './own-map.ts';
import { scoreVariants } from './score-variants.ts';

/** One map to be judged, at the input's size. */
export interface MapToJudge {
  readonly data: Float32Array;
  /** What was done to it before, or is to be known of it. */
  readonly warnings: readonly string[];
  /** The method once more; undefined for maps whose method nobody named. */
  readonly explain?: MetricCase['explain'];
  readonly units?: () => RandomUnits;
  /** Whether it was made in this call, of this image: by the method, or without any, as controls are. */
  readonly made?: boolean;
}

/** What can be drawn anew of a network's weights. */
export interface RandomUnits {
  readonly count: number;
  /** How many of them lie before the end of each stage. */
  readonly stages: readonly number[];
}

/** Maps are judged in groups: ROAD alone fills 18 copies of the picture for each. */
const MAPS_AT_ONCE = 4;

/**
 * Measures maps of one image. Every metric's changed inputs run in common; a metric that fails takes its map's others with it.
 * @throws what runs and explanations throw
 */
export async function measureMaps(
  image: MeasuredImage,
  maps: readonly MapToJudge[],
  metrics: readonly ChosenMetric[],
  { truth, signal }: { readonly truth?: TruthAtInput; readonly signal?: AbortSignal },
): Promise<Measurements[]> {
  const results: Measurements[] = [];
  for (let from = 0; from < maps.length; from += MAPS_AT_ONCE)
    results.push(...(await measureGroup(image, maps.slice(from, from + MAPS_AT_ONCE), metrics, { truth, signal })));
  return results;
}

/** One metric on one map: what it is asked, or why it has no value. */
type Cell = { readonly map: number; readonly metric: ChosenMetric } & (
  | { readonly asked: MetricCase; readonly why?: undefined }
  | { readonly asked?: undefined; readonly why: string }
);

async function measureGroup(
  image: MeasuredImage,
  maps: readonly MapToJudge[],
  metrics: readonly ChosenMetric[],
  { truth, signal }: { readonly truth?: TruthAtInput; readonly signal?: AbortSignal },
): Promise<Measurements[]> {
  const { subject } = image;
  const judged = maps.map(({ data }) => new JudgedMap(data, subject));
  const cells = judged.flatMap((map, m) =>
    metrics.map((metric): Cell => {
      const why = refusal(metric, map, truth, maps[m]!);
      if (why !== undefined) return { map: m, metric, why };
      const { convention, params } = metric;
      const { explain, units } = maps[m]!;
      const random = metric.definition.needs.randomized ? units?.() : undefined;
      const drawn = { units: random?.count, stageUnits: random?.stages };
      return { map: m, metric, asked: { subject, map, truth, explain, ...drawn, convention, params, signal } };
    }),
  );
  const compares = ({ metric, asked }: Cell) => asked !== undefined && metric.definition.needs.explanations === true;
  const foreign = await Promise.all(
    maps.map(({ data, explain, made }, m) => {
      const isAsked = cells.some(cell => cell.map === m && compares(cell));
      return isAsked && explain && !made ? whyForeign(data, explain) : undefined;
    }),
  );
  const asked = cells.filter(cell => cell.asked !== undefined);
  const scored = await scoreVariants(image, asked);
  const scores = new Map<Cell, VariantScores>(asked.map((cell, i) => [cell, scored[i]!]));
  const results: Record<string, Measurement>[] = maps.map(() => ({}));
  for (const cell of cells) {
    const { map, metric } = cell;
    const own = scores.get(cell);
    const value = own ? await metric.definition.measure(cell.asked!, own) : { value: null, reason: cell.why };
    const other = compares(cell) ? foreign[map] : undefined;
    const warnings = other ? [...maps[map]!.warnings, other] : maps[map]!.warnings;
    const runs = own?.logit.length ?? 0;
    results[map]![metric.definition.name] = measurementOf(metric, value, { map: judged[map]!, runs, warnings });
  }
  return results;
}

/** Why a metric has no value for a map, before anything is run. */
function refusal(
  { definition: { name, needs, refuses } }: ChosenMetric,
  { status }: JudgedMap,
  truth: TruthAtInput | undefined,
  { explain, made }: MapToJudge,
): string | undefined {
  if (status === 'not-finite') return 'the map holds NaN or infinite values';
  if (refuses?.includes(status)) return status === 'zero' ? 'the map is zero everywhere' : 'the map is constant';
  if (needs.truth && !truth) return 'nothing says where the object is';
  if (needs.truth && truth!.inside === 0) return 'the truth is empty';
  if (needs.explanations && !explain)
    return made ? 'no method made this map' : `${name} explains again: give \`method\`, or an Explanation as map`;
  return undefined;
}

function measurementOf(
  { definition, params }: ChosenMetric,
  { value, reason, curve, details, kept, warnings: own = [] }: MetricValue,
  { map, runs, warnings }: { readonly map: JudgedMap; readonly runs: number; readonly warnings: readonly string[] },
): Measurement {
  const finite = value !== null && Number.isFinite(value);
  const { name, direction, unit, needs } = definition;
  const measurement = {
    metric: name,
    value: finite ? value : null,
    reason: reason ?? (finite ? null : 'it is not defined here'),
    direction,
    unit,
    params,
    score: needs.scores ? String(params.score ?? 'probability') : null,
    baseline: (params.baseline as string | number | undefined) ?? null,
    curve: curve ?? null,
    details: details ?? {},
    runs,
    status: map.status,
    warnings: [...warnings, ...own],
  };
  // Long, and of use to evaluations alone: nobody who prints or copies a measurement wants it.
  return kept ? Object.defineProperty(measurement, 'kept', { value: kept }) : measurement;
}
