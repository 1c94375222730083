import { defineMetric, type MetricCase } from './definition.ts';
import { asPaper } from './support/as-paper.ts';
import { baselineOf, baselineParam } from './support/baseline-param.ts';
import { areaOf, countsOf, curveOf, curveVariants, LERF_STEPS } from './support/curve.ts';
import { SCORE, scoreOf } from './support/score-param.ts';
import { tiedShare } from './support/ties.ts';

const counts = (asked: MetricCase) => countsOf(asked.subject.pixels, asked.subject.shape.width, asPaper(asked));

/**
 * Deletion with the least relevant pixels first, minus deletion with the most relevant first: what the baseline itself does to f
 * is in both and cancels. Of one baseline, and steps of one size, it is insertion − deletion. The curve is the difference.
 */
export const srg = defineMetric({
  name: 'srg',
  title: 'Symmetric relevance gain',
  family: 'perturbation',
  source: 'Blücher et al. 2024, arXiv:2401.06654',
  direction: 'higher',
  range: [null, null],
  unit: 'score',
  needs: { scores: true },
  cost: '2 (steps − 1) F',
  params: { score: SCORE, ...LERF_STEPS, baseline: baselineParam('zero') },
  variants: async asked => {
    const points = counts(asked);
    const baseline = baselineOf(asked.params);
    return [
      ...(await curveVariants(asked, points, { kind: 'remove-least', baseline })),
      ...(await curveVariants(asked, points, { kind: 'remove-most', baseline })),
    ];
  },
  measure: async (asked, scores) => {
    const n = counts(asked).length;
    const all = scores[scoreOf(asked.params)];
    const y = Array.from({ length: n }, (_, i) => all[i]! - all[n + i]!);
    const curve = curveOf(counts(asked), asked.subject.pixels, y);
    return { value: areaOf(curve, asPaper(asked)), curve, details: { ties: await tiedShare(asked.map) } };
  },
});
