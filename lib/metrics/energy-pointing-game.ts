import { defineMetric, type MetricCase } from './definition.ts';
import { IGNORED, NO_OBJECT } from './support/object.ts';

/**
 * Σ_G S / Σ S: how much of the map lies in the object; also called relevance mass accuracy. Maps with negative values have none,
 * except under Quantus' convention, which divides by the signed sum.
 */
export const energyPointingGame = defineMetric({
  name: 'energy-pointing-game',
  aliases: ['relevance-mass-accuracy'],
  title: 'Energy Pointing Game',
  family: 'localisation',
  source: 'Score-CAM, arXiv:1910.01279; Arras et al. 2022, arXiv:2003.07258',
  direction: 'higher',
  range: [0, 1],
  unit: 'fraction',
  needs: { truth: 'region' },
  refuses: ['zero'],
  cost: '0F',
  measure: ({ map: { data }, truth, convention }: MetricCase) => {
    if (!truth?.inside) return NO_OBJECT;
    let inside = 0;
    let all = 0;
    let negative = false;
    for (let i = 0; i < data.length; i++) {
      if (truth.mask[i] === IGNORED) continue;
      all += data[i]!;
      if (truth.mask[i] === 1) inside += data[i]!;
      if (data[i]! < 0) negative = true;
    }
    if (negative && convention !== 'quantus')
      return { value: null, reason: 'the map has negative values: parts of its sum mean nothing' };
    return all === 0 ? { value: null, reason: 'the map sums up to zero' } : { value: inside / all };
  },
});
