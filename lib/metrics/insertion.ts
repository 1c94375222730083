import { defineMetric, type MetricCase } from './definition.ts';
import { baselineOf, baselineParam } from './support/baseline-param.ts';
import { areaUnder, countsOf, curveVariants, STEPS } from './support/curve.ts';
import { SCORE, scoreOf } from './support/score-param.ts';

const counts = (asked: MetricCase) => countsOf(asked.subject.pixels, asked.subject.shape.width, asked);

/**
 * Area under f while the pixels come back into a blurred input, those of the largest values first; equal values come in row
 * order. Points: f(b) and after each step; trapezoids over the true shares.
 */
export const insertion = defineMetric({
  name: 'insertion',
  title: 'Insertion',
  family: 'perturbation',
  source: 'RISE, arXiv:1806.07421',
  direction: 'higher',
  range: [null, null],
  unit: 'score',
  needs: { scores: true },
  cost: 'steps F',
  params: {
    score: SCORE,
    ...STEPS,
    baseline: baselineParam('blur', { torchcam: 'zero', openvino: 'black' }, 'a pixel that is not in yet'),
  },
  variants: asked => curveVariants(asked, counts(asked), { kind: 'insert-most', baseline: baselineOf(asked.params) }),
  measure: (asked, scores) => areaUnder(asked, counts(asked), scores[scoreOf(asked.params)]),
});
