import { defineMetric } from './definition.ts';
import { scorePair } from './support/drop.ts';
import { multipliedVariant } from './support/masked.ts';
import { SCORE, scoreOf } from './support/score-param.ts';

/** Below this nothing is left to gain. */
const LEAST_HEADROOM = 1e-12;

/** max(0, O − Y) / (1 − Y): what of the missing certainty is gained where the map covers the picture. 0 where Y is 1. */
export const averageGain = defineMetric({
  name: 'average-gain',
  aliases: ['ag'],
  title: 'Average Gain',
  family: 'confidence',
  source: 'Opti-CAM, arXiv:2301.07002',
  direction: 'higher',
  range: [0, 1],
  unit: 'fraction',
  needs: { scores: true },
  cost: '1F',
  params: { score: SCORE },
  variants: multipliedVariant,
  measure: (asked, scores) => {
    if (!asked.subject.probable || scoreOf(asked.params) !== 'probability')
      return { value: null, reason: 'a gain is a share of what a probability lacks to 1, and this score is none' };
    const [y, o] = scorePair(asked, scores);
    return { value: 1 - y < LEAST_HEADROOM ? 0 : Math.max(0, o - y) / (1 - y) };
  },
});
