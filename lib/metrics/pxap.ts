import { averagePrecision, valueHistograms } from './data-set/pooled-pxap.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import { NO_OBJECT } from './support/object.ts';

/**
 * Average precision of "this pixel belongs to the object" over thresholds of 0.001: Σ precision · (recall − recall before), from the
 * highest threshold down. Over a data set the histograms of all pictures are pooled (`kept`).
 */
export const pxap = defineMetric({
  name: 'pxap',
  title: 'Pixel Average Precision',
  family: 'localisation',
  source: 'Choe et al. 2020, arXiv:2001.07437',
  direction: 'higher',
  range: [0, 1],
  unit: 'fraction',
  needs: { truth: 'region' },
  cost: '0F',
  measure: ({ map, truth }: MetricCase) => {
    if (!truth?.inside) return NO_OBJECT;
    const kept = valueHistograms(map.data, truth.mask);
    return { value: averagePrecision(kept), kept };
  },
});
