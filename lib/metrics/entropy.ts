import { defineMetric, type MetricCase } from './definition.ts';
import { magnitudes } from './support/judged-values.ts';

/** −Σ q ln q with q = |S| / Σ|S|: over how many pixels the map is spread. Quantus takes ln (q + 1e-12). */
export const entropy = defineMetric({
  name: 'entropy',
  title: 'Complexity (entropy)',
  family: 'complexity',
  source: 'Bhatt et al. 2020, arXiv:2005.00631',
  direction: 'lower',
  range: [0, null],
  unit: 'nats',
  needs: {},
  refuses: ['zero'],
  cost: '0F',
  measure: ({ map, convention }: MetricCase) => {
    const values = magnitudes(map, convention);
    const sum = values.reduce((total, value) => total + value, 0);
    const added = convention === 'quantus' ? 1e-12 : 0;
    let entropy = 0;
    for (const value of values) if (value > 0) entropy -= (value / sum) * Math.log(value / sum + added);
    // Of a single pixel rounding leaves −0.
    const value = Math.max(0, entropy);
    return { value, details: { relative: values.length > 1 ? value / Math.log(values.length) : 0 } };
  },
});
