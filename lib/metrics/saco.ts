import { defineMetric, type MetricCase } from './definition.ts';
import { baselineOf, baselineParam } from './support/baseline-param.ts';
import { SCORE, scoreOf } from './support/score-param.ts';
import { sumOver } from './support/subsets.ts';

/**
 * The pixels fall into K groups by rank; s_i = Σ S of a group (S stretched to [0, 1]), d_i = f(x) − f(x with the group replaced).
 * Over all pairs i < j: Σ w / Σ |w|, w = s_i − s_j where d_i ≥ d_j, else its negative. 1: the larger a group's values, the more f
 * falls. Not defined where all groups have the same sum.
 */
export const saco = defineMetric({
  name: 'saco',
  title: 'Salience-guided faithfulness',
  family: 'correlation',
  source: 'Wu et al. 2024, arXiv:2404.01415',
  direction: 'higher',
  range: [-1, 1],
  unit: 'correlation',
  needs: { scores: true },
  cost: 'groups F',
  params: {
    score: SCORE,
    groups: { type: 'integer', min: 2, default: 10, description: 'groups of pixels, by rank' },
    baseline: baselineParam('mean'),
  },
  variants: async asked => {
    const { subject, map, params } = asked;
    const [order, to] = await Promise.all([map.order(), subject.baseline(baselineOf(params))]);
    return groupsOf(asked).map(([begin, end]) => ({ from: subject.input, to, order, begin, end }));
  },
  measure: async (asked, scores) => {
    const { subject, map, params } = asked;
    const kind = scoreOf(params);
    const order = await map.order();
    const least = map.data[order.at(-1)!]!;
    const range = map.data[order[0]!]! - least;
    if (range === 0) return { value: null, reason: 'the map is constant' };
    const sums = groupsOf(asked).map(
      ([begin, end]) => (sumOver(map.data, order.subarray(begin, end)) - least * (end - begin)) / range,
    );
    const losses = scores[kind].map(score => subject.score(kind) - score);
    let agreed = 0;
    let all = 0;
    for (let i = 0; i < sums.length; i++)
      for (let j = i + 1; j < sums.length; j++) {
        const ahead = sums[i]! - sums[j]!;
        agreed += losses[i]! >= losses[j]! ? ahead : -ahead;
        all += Math.abs(ahead);
      }
    return all === 0 ? { value: null, reason: 'all groups have the same sum' } : { value: agreed / all };
  },
});

function groupsOf({ subject: { pixels }, params }: MetricCase): [begin: number, end: number][] {
  const groups = Math.min(params.groups as number, pixels);
  const bound = (i: number) => Math.floor((i * pixels) / groups);
  return Array.from({ length: groups }, (_, i) => [bound(i), bound(i + 1)]);
}
