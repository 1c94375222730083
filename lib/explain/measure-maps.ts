import type { ChosenMetric } from '../metrics/choose.ts';
import type { MetricCase, MetricValue } from '../metrics/definition.ts';
import { JudgedMap } from '../metrics/judged-map.ts';
import type { Measurement, Measurements } from '../metrics/measurement.ts';
import type { TruthAtInput } from '../metrics/truth-at-input.ts';
import type { MeasuredImage } from './measured-image.ts';
import { whyForeign } from './own-map.ts';
import { type AskedMetric, scoreVariants } from './score-variants.ts';

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

async function measureGroup(
  image: MeasuredImage,
  maps: readonly MapToJudge[],
  metrics: readonly ChosenMetric[],
  { truth, signal }: { readonly truth?: TruthAtInput; readonly signal?: AbortSignal },
): Promise<Measurements[]> {
  const { subject } = image;
  const judged = maps.map(({ data }) => new JudgedMap(data, subject));
  const refused: (MetricValue | undefined)[] = [];
  const asked: AskedMetric[] = [];
  for (const [m, map] of judged.entries())
    for (const metric of metrics) {
      const why = refusal(metric, map, truth, maps[m]!);
      refused.push(why === undefined ? undefined : { value: null, reason: why });
      if (why !== undefined) continue;
      const { convention, params } = metric;
      const { explain, units } = maps[m]!;
      const random = metric.definition.needs.randomized ? units?.() : undefined;
      const drawn = { units: random?.count, stageUnits: random?.stages };
      asked.push({ metric, asked: { subject, map, truth, explain, ...drawn, convention, params, signal } });
    }
  const foreign = await Promise.all(
    judged.map((map, m) => {
      const compares = asked.some(one => one.asked.map === map && one.metric.definition.needs.explanations);
      const { explain, made } = maps[m]!;
      return compares && explain && !made ? whyForeign(map.data, explain) : undefined;
    }),
  );
  const scores = await scoreVariants(image, asked);
  let next = 0;
  let place = 0;
  const results: Measurements[] = [];
  for (const [m, map] of judged.entries()) {
    const measured: [string, Measurement][] = [];
    for (const metric of metrics) {
      const given = refused[place++];
      const index = given ? -1 : next++;
      const value = given ?? (await metric.definition.measure(asked[index]!.asked, scores[index]!));
      const runs = given ? 0 : scores[index]!.logit.length;
      const compares = !given && metric.definition.needs.explanations && foreign[m];
      const warnings = compares ? [...maps[m]!.warnings, compares] : maps[m]!.warnings;
      measured.push([metric.definition.name, measurementOf(metric, value, { map, runs, warnings })]);
    }
    results.push(Object.fromEntries(measured));
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
