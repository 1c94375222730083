import { quantileAt } from '../../common/quantile.ts';
import { imputePixels } from '../../kernels/impute-pixels.ts';
import type { PixelVariant } from '../../scoring/pixel-variants.ts';
import type { MetricCase, MetricParam, MetricValue, VariantScores } from '../definition.ts';
import type { JudgedMap } from '../judged-map.ts';
import { drawOf } from './draw.ts';
import { SCORE, scoreOf } from './score-param.ts';

/** Most relevant first, least relevant first. */
export type RoadOrder = 'morf' | 'lerf';

/** Without percentiles by default: each metric has its own. */
export const ROAD_PARAMS = {
  score: SCORE,
  percentiles: {
    type: 'numbers',
    min: 0,
    max: 100,
    description: 'the share of the pixels that is kept, in percent; the value is the mean over all',
  },
  noise: {
    type: 'number',
    min: 0,
    default: 0,
    defaults: { 'pytorch-grad-cam': 0.01 },
    description: 'deviation of the normal noise that imputed values get, in the units of the input',
  },
} satisfies Readonly<Record<string, MetricParam>>;

export function roadParams(percentiles: readonly number[]): Readonly<Record<string, MetricParam>> {
  return { ...ROAD_PARAMS, percentiles: { ...ROAD_PARAMS.percentiles, default: percentiles } };
}

/** What Quantus measures under this name cannot be read of one class's score. */
export const NO_ACCURACY: MetricValue = {
  value: null,
  reason:
    "Quantus' ROAD is an accuracy over a data set, which the score of one class does not tell; convention 'paper' or 'pytorch-grad-cam' gives the change of the score",
};

/** Inputs whose pixels are removed and filled in from those around them, one for each percentile. */
export async function roadVariants(asked: MetricCase, ...orders: readonly RoadOrder[]): Promise<PixelVariant[]> {
  if (asked.convention === 'quantus') return [];
  const { subject } = asked;
  const ranges = (await Promise.all(orders.map(order => removedRanges(asked, order)))).flat();
  // Where nothing is left, nothing can be filled in: zeros.
  const nothing = await subject.baseline('zero');
  const wanted = ranges.filter(([begin, end]) => end > begin && end - begin < subject.pixels);
  const imputed = await imputedOnce(asked, wanted);
  return ranges.map(([begin, end]) => {
    if (begin === end) return { from: subject.input };
    return { from: end - begin === subject.pixels ? nothing : imputed.get(keyOf([begin, end]))! };
  });
}

export interface RoadChange {
  readonly percentiles: readonly number[];
  /** f(imputed) − f(x) at each percentile. */
  readonly changes: readonly number[];
  readonly mean: number;
  /** Percentiles at which every pixel was removed. */
  readonly empty: number;
}

/** @param from where the order's variants begin among the scores */
export async function roadChange(
  asked: MetricCase,
  order: RoadOrder,
  scores: VariantScores,
  from = 0,
): Promise<RoadChange> {
  const { subject, params } = asked;
  const kind = scoreOf(params);
  const percentiles = params.percentiles as readonly number[];
  const changes = percentiles.map((_, i) => scores[kind][from + i]! - subject.score(kind));
  const ranges = await removedRanges(asked, order);
  return {
    percentiles,
    changes,
    mean: changes.reduce((a, b) => a + b, 0) / changes.length,
    empty: ranges.filter(([begin, end]) => end - begin === subject.pixels).length,
  };
}

/** Why a value says less than it seems to. */
export function nothingKept(...changes: readonly RoadChange[]): { readonly reason?: string } {
  return changes.some(({ empty }) => empty > 0) ? { reason: 'nothing kept' } : {};
}

/** One order alone, as a metric's answer. */
export async function roadValue(asked: MetricCase, order: RoadOrder, scores: VariantScores): Promise<MetricValue> {
  if (asked.convention === 'quantus') return NO_ACCURACY;
  const change = await roadChange(asked, order, scores);
  return { value: change.mean, curve: { x: change.percentiles, y: change.changes }, ...nothingKept(change) };
}

type Range = readonly [begin: number, end: number];
const keyOf = ([begin, end]: Range) => `${begin} ${end}`;

/** Stretches of the map's order that are removed. */
async function removedRanges(asked: MetricCase, kind: RoadOrder): Promise<Range[]> {
  const { subject, map, params, convention } = asked;
  const { pixels } = subject;
  const order = await map.order();
  return (params.percentiles as readonly number[]).map(percent => {
    const count =
      convention === 'pytorch-grad-cam'
        ? countAtThreshold(map, order, { kind, percent })
        : Math.round((pixels * (100 - percent)) / 100);
    return kind === 'morf' ? [0, count] : [pixels - count, pixels];
  });
}

/** Pixels with S ≥ percentile(S, q), or 1 − S ≥ percentile(1 − S, q): all that equal the threshold go. */
function countAtThreshold(
  { data }: JudgedMap,
  order: Uint32Array,
  { kind, percent }: { readonly kind: RoadOrder; readonly percent: number },
): number {
  const last = order.length - 1;
  const relevance =
    kind === 'morf' ? (i: number) => data[order[last - i]!]! : (i: number) => Math.fround(1 - data[order[i]!]!);
  // As float32, in which NumPy gives it.
  const threshold = Math.fround(quantileAt(order.length, relevance, percent / 100));
  let kept = 0;
  while (kept <= last && relevance(kept) < threshold) kept++;
  return order.length - kept;
}

/** Finished images by map: metrics of a call that remove the same pixels share them. */
const done = new WeakMap<JudgedMap, Map<string, Promise<Float32Array>>>();

async function imputedOnce(
  { subject, map, params, signal }: MetricCase,
  ranges: readonly Range[],
): Promise<Map<string, Float32Array>> {
  const noise = params.noise as number;
  const keyed = (range: Range) => `${noise} ${keyOf(range)}`;
  let known = done.get(map);
  if (!known) done.set(map, (known = new Map()));
  const open = [
    ...new Map(ranges.filter(range => !known.has(keyed(range))).map(range => [keyOf(range), range])).values(),
  ];
  if (open.length > 0) {
    // What a range's noise is depends on the seed and the range alone (imputePixels).
    const seed = drawOf(subject, 'road', 0).bits();
    const images = map
      .order()
      .then(order => imputePixels(subject.input, subject.shape, order, open, { noise, seed, signal }));
    for (const [i, range] of open.entries())
      known.set(
        keyed(range),
        images.then(all => all[i]!),
      );
  }
  const pairs = ranges.map(
    async (range): Promise<[string, Float32Array]> => [keyOf(range), await known.get(keyed(range))!],
  );
  return new Map(await Promise.all(pairs));
}

export const combinedVariants = (asked: MetricCase): Promise<PixelVariant[]> => roadVariants(asked, 'lerf', 'morf');

/** (mean LeRF − mean MoRF) / 2. @param scores of `combinedVariants` */
export async function combinedRoad(asked: MetricCase, scores: VariantScores): Promise<MetricValue & { value: number }> {
  const lerf = await roadChange(asked, 'lerf', scores);
  const morf = await roadChange(asked, 'morf', scores, lerf.changes.length);
  return {
    value: (lerf.mean - morf.mean) / 2,
    curve: { x: lerf.percentiles, y: lerf.changes.map((change, i) => (change - morf.changes[i]!) / 2) },
    details: { lerf: lerf.mean, morf: morf.mean },
    ...nothingKept(lerf, morf),
  };
}
