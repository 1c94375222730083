import { orderPixels } from '../kernels/pixel-order.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import { magnitudes } from './support/judged-values.ts';

/** The Gini coefficient of |S|: Σ (2i − n − 1) a_i / (n Σ a) over ascending a. Quantus adds 1e-7 to every value. */
export const sparseness = defineMetric({
  name: 'sparseness',
  aliases: ['gini'],
  title: 'Sparseness',
  family: 'complexity',
  source: 'Chalasani et al. 2020, arXiv:1810.06583',
  direction: 'higher',
  range: [0, 1],
  unit: 'fraction',
  needs: {},
  refuses: ['zero'],
  cost: '0F',
  measure: async ({ map, convention }: MetricCase) => {
    const values = magnitudes(map, convention);
    const signed = map.data.some(value => value < 0);
    const order = signed ? await orderPixels(values) : await map.order();
    const n = values.length;
    const added = convention === 'quantus' ? 1e-7 : 0;
    let sum = 0;
    let weighted = 0;
    for (let i = 0; i < n; i++) {
      const value = values[order[n - 1 - i]!]! + added;
      sum += value;
      weighted += (2 * i + 1 - n) * value;
    }
    return { value: weighted / (n * sum) };
  },
});
