import { defineMetric } from './definition.ts';
import { coherencyOf } from './support/coherency.ts';

/**
 * (pearson(S, S′) + 1) / 2, S′ the same method's map of x ⊙ S, same layer, same class: whether what the map shows is explained
 * like the whole. 0 with a reason where a map does not vary (pytorch-grad-cam: .5, and 1e-8 in the denominator).
 */
export const coherency = defineMetric({
  name: 'coherency',
  title: 'Coherency',
  family: 'composite',
  source: 'ADCC, arXiv:2104.10252',
  direction: 'higher',
  range: [0, 1],
  unit: 'correlation',
  needs: { explanations: true },
  cost: '1M',
  measure: coherencyOf,
});
