import { defineMetric, type MetricCase } from './definition.ts';
import { NO_OBJECT } from './support/object.ts';
import { objectOfLargest } from './support/object-of-largest.ts';

/** The share of the |G| largest pixels that lie in the object G. */
export const rankAccuracy = defineMetric({
  name: 'rank-accuracy',
  aliases: ['relevance-rank-accuracy'],
  title: 'Relevance Rank Accuracy',
  family: 'localisation',
  source: 'Arras et al. 2022, arXiv:2003.07258',
  direction: 'higher',
  range: [0, 1],
  unit: 'fraction',
  needs: { truth: 'region' },
  cost: '0F',
  measure: async ({ map, truth }: MetricCase) => {
    if (!truth?.inside) return NO_OBJECT;
    return { value: objectOfLargest(await map.order(), truth.mask, truth.inside) / truth.inside };
  },
});
