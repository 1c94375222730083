import { defineMetric, type MetricCase } from './definition.ts';
import { asPaper } from './support/as-paper.ts';
import { baselineOf, baselineParam } from './support/baseline-param.ts';
import { areaUnder, countsOf, curveVariants, LERF_STEPS } from './support/curve.ts';
import { SCORE, scoreOf } from './support/score-param.ts';

const counts = (asked: MetricCase) => countsOf(asked.subject.pixels, asked.subject.shape.width, asPaper(asked));

/** Deletion in the reversed order: the pixels of the smallest values go first, and f should stay. */
export const lerfDeletion = defineMetric({
  name: 'lerf-deletion',
  title: 'Deletion, least relevant first',
  family: 'perturbation',
  source: 'RISE, arXiv:1806.07421, with the order reversed',
  direction: 'higher',
  range: [null, null],
  unit: 'score',
  needs: { scores: true },
  cost: '(steps − 1) F',
  params: { score: SCORE, ...LERF_STEPS, baseline: baselineParam('zero') },
  variants: asked => curveVariants(asked, counts(asked), { kind: 'remove-least', baseline: baselineOf(asked.params) }),
  measure: (asked, scores) => areaUnder(asPaper(asked), counts(asked), scores[scoreOf(asked.params)]),
});
