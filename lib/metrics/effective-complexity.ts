import { defineMetric, type MetricCase } from './definition.ts';
import { byMaximum, magnitudes } from './support/judged-values.ts';

/** Of the largest value: pixels up to it show nothing. */
const EPSILON = 1e-5;

/** How many pixels of the map show anything: |S| > 1e-5 of its maximum. */
export const effectiveComplexity = defineMetric({
  name: 'effective-complexity',
  title: 'Effective Complexity',
  family: 'complexity',
  source: 'Nguyen and Martínez 2020, arXiv:2007.07584',
  direction: 'lower',
  range: [0, null],
  unit: 'pixels',
  needs: {},
  cost: '0F',
  measure: ({ map, convention }: MetricCase) => {
    const values = byMaximum(magnitudes(map, convention));
    const value = values.reduce((count, one) => count + (one > EPSILON ? 1 : 0), 0);
    return { value, details: { share: value / values.length } };
  },
});
