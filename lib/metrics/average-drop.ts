import { defineMetric } from './definition.ts';
import { lostShare, scorePair, shareOf } from './support/drop.ts';
import { maskedVariant } from './support/masked.ts';
import { SCORE } from './support/score-param.ts';

/**
 * max(0, Y − O) / Y with Y = f(x), O = f(x ⊙ S): what of the score is lost where the map covers the picture. torchcam divides by
 * Y + 1e-7, pytorch-grad-cam not at all. Of scores that are no probabilities it is divided by |Y|.
 */
export const averageDrop = defineMetric({
  name: 'average-drop',
  aliases: ['ad'],
  title: 'Average Drop',
  family: 'confidence',
  source: 'Grad-CAM++, arXiv:1710.11063',
  direction: 'lower',
  range: [0, null],
  unit: 'fraction',
  needs: { scores: true },
  cost: '1F',
  params: { score: SCORE },
  variants: maskedVariant,
  measure: (asked, scores) => {
    const [y, o] = scorePair(asked, scores);
    if (asked.convention === 'pytorch-grad-cam') return { value: Math.max(0, y - o) };
    return shareOf(asked, lostShare(y, o, asked.convention === 'torchcam' ? 1e-7 : 0));
  },
});
