import { defineMetric } from './definition.ts';
import { roadParams, roadValue, roadVariants } from './support/road.ts';

/**
 * f(imputed) − f(x), the most relevant pixels removed and filled in from those around them: the mean over the percentiles. Strongly negative where the map is right.
 * Removed are round(P (100 − q) / 100) pixels; of pytorch-grad-cam's convention all from the percentile
 * of the values on, equal ones together. Where that is every pixel, zeros take their place and `reason` says so.
 */
export const roadMorf = defineMetric({
  name: 'road-morf',
  title: 'ROAD, most relevant first',
  family: 'perturbation',
  source: 'ROAD, arXiv:2202.00449',
  direction: 'lower',
  range: [null, null],
  unit: 'score',
  needs: { scores: true },
  cost: 'percentiles F',
  params: roadParams([80]),
  variants: asked => roadVariants(asked, 'morf'),
  measure: (asked, scores) => roadValue(asked, 'morf', scores),
});
