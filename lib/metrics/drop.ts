import { defineMetric } from './definition.ts';
import { scorePair } from './support/drop.ts';
import { multipliedVariant } from './support/masked.ts';
import { SCORE } from './support/score-param.ts';

/** Y − O, signed: f(x) − f(x ⊙ S). Negative where the network is surer of what the map leaves. */
export const drop = defineMetric({
  name: 'drop',
  title: 'Drop in confidence',
  family: 'confidence',
  source: 'Grad-CAM++, arXiv:1710.11063, before it is divided and cut at 0',
  direction: 'lower',
  range: [null, null],
  unit: 'score',
  needs: { scores: true },
  cost: '1F',
  params: { score: SCORE },
  variants: multipliedVariant,
  measure: (asked, scores) => {
    const [y, o] = scorePair(asked, scores);
    return { value: y - o };
  },
});
