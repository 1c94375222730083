import { defineMetric } from './definition.ts';
import { combinedRoad, combinedVariants, NO_ACCURACY, roadParams } from './support/road.ts';

/**
 * (mean LeRF − mean MoRF) / 2 over the percentiles, of `road-lerf` and `road-morf`. In [−.5, .5] for probabilities. The curve is
 * the same at each percentile.
 */
export const road = defineMetric({
  name: 'road',
  aliases: ['road-combined'],
  title: 'ROAD, combined',
  family: 'perturbation',
  source: 'ROAD, arXiv:2202.00449; combined as pytorch-grad-cam does',
  direction: 'higher',
  range: [null, null],
  unit: 'score',
  needs: { scores: true },
  cost: '2 percentiles F',
  params: roadParams([10, 20, 30, 40, 50, 60, 70, 80, 90]),
  variants: combinedVariants,
  measure: async (asked, scores) => {
    if (asked.convention === 'quantus') return NO_ACCURACY;
    return combinedRoad(asked, scores);
  },
});
