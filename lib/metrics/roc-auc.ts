import { defineMetric, type MetricCase } from './definition.ts';
import { IGNORED, NO_OBJECT } from './support/object.ts';

/**
 * The area under the receiver's curve of "this pixel belongs to the object": how often a pixel of the object has a larger value than
 * one beside it, equal ones counting half (Mann-Whitney).
 */
export const rocAuc = defineMetric({
  name: 'roc-auc',
  title: 'ROC-AUC',
  family: 'localisation',
  source: 'Fawcett 2006, Pattern Recognition Letters 27',
  direction: 'higher',
  range: [0, 1],
  unit: 'fraction',
  needs: { truth: 'region' },
  cost: '0F',
  measure: async ({ map, truth }: MetricCase) => {
    if (!truth?.inside) return NO_OBJECT;
    const { mask } = truth;
    const order = await map.order();
    const { data } = map;
    let outside = 0;
    /** Twice the pairs that are in the right order. */
    let pairs = 0;
    for (let begin = 0; begin < order.length; ) {
      const value = data[order[begin]!]!;
      let [objects, others] = [0, 0];
      let end = begin;
      for (; end < order.length && data[order[end]!] === value; end++) {
        const cell = mask[order[end]!]!;
        if (cell === 1) objects++;
        else if (cell !== IGNORED) others++;
      }
      // Pixels outside that were met before are larger.
      pairs += objects * (2 * outside + others);
      outside += others;
      begin = end;
    }
    if (outside === 0) return { value: null, reason: 'the object fills the picture' };
    return { value: 1 - pairs / (2 * outside * truth.inside) };
  },
});
