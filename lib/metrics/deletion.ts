import { defineMetric, type MetricCase } from './definition.ts';
import { baselineOf, baselineParam } from './support/baseline-param.ts';
import { areaUnder, countsOf, curveVariants, STEPS } from './support/curve.ts';
import { SCORE, scoreOf } from './support/score-param.ts';

const counts = (asked: MetricCase) => countsOf(asked.subject.pixels, asked.subject.shape.width, asked);

/**
 * Area under f while the pixels are removed, those of the largest values first; equal values go in row order. Points: f(x) and
 * after each step; trapezoids over the true shares. A constant map is removed row by row, which measures nothing.
 */
export const deletion = defineMetric({
  name: 'deletion',
  aliases: ['pixel-flipping'],
  title: 'Deletion',
  family: 'perturbation',
  source: 'RISE, arXiv:1806.07421',
  direction: 'lower',
  range: [null, null],
  unit: 'score',
  needs: { scores: true },
  cost: '(steps − 1) F',
  params: { score: SCORE, ...STEPS, baseline: baselineParam('zero', { openvino: 'black' }) },
  variants: asked => curveVariants(asked, counts(asked), { kind: 'remove-most', baseline: baselineOf(asked.params) }),
  measure: (asked, scores) => areaUnder(asked, counts(asked), scores[scoreOf(asked.params)]),
});
