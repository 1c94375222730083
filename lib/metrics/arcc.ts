import { defineMetric } from './definition.ts';
import { asPaper } from './support/as-paper.ts';
import { coherencyOf, complexityOf } from './support/coherency.ts';
import { harmonicMean } from './support/harmonic-mean.ts';
import { combinedRoad, combinedVariants, roadParams } from './support/road.ts';

/** Keeps every term above 0. */
const ADDED = 1e-8;

/**
 * 3 / (1/Coherency + 1/(1 − Complexity) + 1/R), each term + 1e-8, R = 2 · ROAD cut to [0, 1]: ADCC with imputed pixels in the
 * place of a masked input. R = 0, a map that ROAD finds no better than its reverse, makes it 0.
 */
export const arcc = defineMetric({
  name: 'arcc',
  title: 'ARCC',
  family: 'composite',
  source: 'Domeniconi et al. 2026, arXiv:2605.14641',
  direction: 'higher',
  range: [0, 1],
  unit: 'fraction',
  needs: { scores: true, explanations: true },
  cost: '2 percentiles F + 1M',
  params: roadParams([20, 40, 60, 80]),
  variants: asked => combinedVariants(asPaper(asked, 'pytorch-grad-cam')),
  measure: async (given, scores) => {
    const asked = asPaper(given, 'pytorch-grad-cam');
    const { value: road, reason: kept } = await combinedRoad(asked, scores);
    const { value: coherency, reason = kept } = await coherencyOf(asked);
    const complexity = complexityOf(asked.map.data);
    const gain = Math.min(1, Math.max(0, 2 * road));
    const value = harmonicMean([coherency + ADDED, 1 - complexity + ADDED, gain + ADDED]);
    return { value, reason, details: { coherency, complexity, road } };
  },
});
