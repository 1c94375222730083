import { defineMetric } from './definition.ts';
import { scorePair } from './support/drop.ts';
import { maskedVariant } from './support/masked.ts';
import { SCORE } from './support/score-param.ts';

/** 1 where f(x ⊙ S) > f(x), else 0: how often hiding the rest of the picture makes the network surer. Equal scores are no increase. */
export const averageIncrease = defineMetric({
  name: 'average-increase',
  aliases: ['ai', 'increase-in-confidence'],
  title: 'Average Increase',
  family: 'confidence',
  source: 'Grad-CAM++, arXiv:1710.11063',
  direction: 'higher',
  range: [0, 1],
  unit: 'yes/no',
  needs: { scores: true },
  cost: '1F',
  params: { score: SCORE },
  variants: maskedVariant,
  measure: (asked, scores) => {
    const [y, o] = scorePair(asked, scores);
    return { value: Number.isNaN(y - o) ? null : Number(o > y) };
  },
});
