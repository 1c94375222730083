import { defineMetric, type MetricCase } from './definition.ts';
import { SENSITIVITY_PARAMS, sensitivity } from './support/sensitivity.ts';

/** How far the map moves on average when the input gets a little uniform noise, relative to the map. */
export const avgSensitivity = defineMetric({
  name: 'avg-sensitivity',
  title: 'Average sensitivity',
  family: 'robustness',
  source: 'Yeh et al. 2019, arXiv:1901.09392',
  direction: 'lower',
  range: [0, null],
  unit: 'ratio',
  needs: { explanations: true },
  cost: 'n M',
  params: SENSITIVITY_PARAMS,
  measure: (asked: MetricCase) =>
    sensitivity(asked, 'avg-sensitivity', ratios => ratios.reduce((a, b) => a + b) / ratios.length),
});
