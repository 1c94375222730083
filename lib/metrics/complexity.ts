import { defineMetric } from './definition.ts';
import { complexityOf } from './support/coherency.ts';

/** mean |S|: how much of the picture the map covers. A map of zeros has the best value, so it is read beside the drop. */
export const complexity = defineMetric({
  name: 'complexity',
  title: 'Complexity',
  family: 'composite',
  source: 'ADCC, arXiv:2104.10252',
  direction: 'lower',
  range: [0, 1],
  unit: 'fraction',
  needs: {},
  cost: '0F',
  measure: ({ map }) => ({ value: complexityOf(map.data) }),
});
