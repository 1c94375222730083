import { defineMetric } from './definition.ts';
import { roadParams, roadValue, roadVariants } from './support/road.ts';

/**
 * f(imputed) − f(x), the least relevant pixels removed and filled in from those around them: the mean over the percentiles. Near 0 where the map is right.
 * Removed are round(P (100 − q) / 100) pixels; of pytorch-grad-cam's convention all from the percentile
 * of the values on, equal ones together. Where that is every pixel, zeros take their place and `reason` says so.
 */
export const roadLerf = defineMetric({
  name: 'road-lerf',
  title: 'ROAD, least relevant first',
  family: 'perturbation',
  source: 'ROAD, arXiv:2202.00449',
  direction: 'higher',
  range: [null, null],
  unit: 'score',
  needs: { scores: true },
  cost: 'percentiles F',
  params: roadParams([20]),
  variants: asked => roadVariants(asked, 'lerf'),
  measure: (asked, scores) => roadValue(asked, 'lerf', scores),
});
