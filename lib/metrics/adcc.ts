import { defineMetric } from './definition.ts';
import { asPaper } from './support/as-paper.ts';
import { coherencyOf, complexityOf } from './support/coherency.ts';
import { lostShare, NO_SCORE, scorePair, shareOf } from './support/drop.ts';
import { harmonicMean } from './support/harmonic-mean.ts';
import { maskedVariant } from './support/masked.ts';
import { SCORE } from './support/score-param.ts';

/**
 * 3 / (1/Coherency + 1/(1 − Complexity) + 1/(1 − Average Drop)): one number that neither a map of ones nor an empty one wins. 0
 * where a term is 0. The three are computed as in ADCC's code under every convention: nothing is added to a denominator.
 */
export const adcc = defineMetric({
  name: 'adcc',
  title: 'ADCC',
  family: 'composite',
  source: 'Poppi et al. 2021, arXiv:2104.10252',
  direction: 'higher',
  range: [0, 1],
  unit: 'fraction',
  needs: { scores: true, explanations: true },
  cost: '1F + 1M',
  params: { score: SCORE },
  variants: maskedVariant,
  measure: async (asked, scores) => {
    const lost = lostShare(...scorePair(asked, scores));
    if (lost === null) return { value: null, reason: NO_SCORE };
    const { value: coherency, reason } = await coherencyOf(asPaper(asked, 'openvino'));
    const complexity = complexityOf(asked.map.data);
    const value = harmonicMean([coherency, 1 - complexity, 1 - lost]);
    return { ...shareOf(asked, value), reason, details: { coherency, complexity, averageDrop: lost } };
  },
});
