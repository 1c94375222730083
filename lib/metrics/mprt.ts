import { throwIfAborted } from '../common/errors.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import { magnitudes } from './support/judged-values.ts';
import { type Similarity, similarityOf, whyIncomparable } from './support/similarity.ts';

/**
 * Model parameter randomisation test: how similar the map stays when the network's weights are drawn anew, unit after unit. A map that
 * tells about the network changes: low is good. The curve has the units that were drawn anew and the similarity to the map as it was;
 * the value is its mean. Maps that are equal everywhere cannot be compared; they are counted (`undefined`).
 */
export const mprt = defineMetric({
  name: 'mprt',
  aliases: ['model-parameter-randomisation-test', 'model-parameter-randomization-test'],
  title: 'Model Parameter Randomisation',
  family: 'randomisation',
  source: 'Adebayo et al. 2018, arXiv:1810.03292',
  direction: 'lower',
  range: [-1, 1],
  unit: 'correlation',
  needs: { explanations: true, randomized: true },
  refuses: ['zero', 'constant'],
  cost: 'units M',
  params: {
    order: {
      type: 'string',
      values: ['top-down', 'bottom-up', 'independent'],
      default: 'top-down',
      description: 'units stay random from the output on, from the input on, or one at a time',
    },
    similarity: {
      type: 'string',
      values: ['spearman', 'ssim'],
      default: 'spearman',
      description: 'Spearman of |S|, or SSIM in windows of 7 × 7',
    },
    units: {
      type: 'integer',
      values: ['all', 'stages'],
      default: 'all',
      min: 1,
      description: 'all, those after which the feature maps shrink, or so many of them evenly spread',
    },
  },
  measure: async (asked: MetricCase) => {
    const { map, params, convention, explain, signal } = asked;
    const kind = params.similarity as Similarity;
    const order = params.order as 'top-down' | 'bottom-up' | 'independent';
    const values = (data: Float32Array) => (kind === 'spearman' ? magnitudes({ data }, convention) : data);
    const original = values(map.data);
    const x: number[] = [];
    const y: number[] = [];
    let last: number | null = null;
    const counts = unitCounts(asked, order);
    if (counts.length === 0) return { value: null, reason: whyNone(asked) };
    for (const count of counts) {
      throwIfAborted(signal);
      const other = values(await explain!({ randomized: { order, unit: count - 1 } }));
      last = whyIncomparable(other) ? null : await similarityOf(kind, original, other, map);
      if (last === null) continue;
      x.push(count);
      y.push(last);
    }
    const details = { last, undefined: counts.length - y.length };
    if (y.length === 0)
      return { value: null, reason: 'no map of a randomised network could be compared: all are flat', details };
    // Quantus counts the map itself in.
    const [sum, count] = convention === 'quantus' ? [1, y.length + 1] : [0, y.length];
    return { value: y.reduce((total, one) => total + one, sum) / count, curve: { x, y }, details };
  },
});

/** After how many units of the order the maps are compared, ascending; of `independent` the places of those that change. */
function unitCounts({ units = 0, stageUnits = [], params }: MetricCase, order: string): readonly number[] {
  if (params.units === 'stages') {
    if (order === 'bottom-up') return stageUnits;
    // Seen from the output a stage ends where the one before it does.
    return stageUnits.length === 0 ? [] : [0, ...stageUnits.slice(0, -1)].map(end => units - end).reverse();
  }
  const count = params.units === 'all' ? units : Math.min(units, params.units as number);
  return Array.from({ length: count }, (_, i) => Math.round(((i + 1) * units) / count));
}

function whyNone({ units = 0 }: MetricCase): string {
  return units === 0
    ? 'the network has no weights that could be drawn anew'
    : "the network's stages are not known; give `units` a number";
}
