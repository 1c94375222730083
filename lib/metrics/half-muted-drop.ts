import { multiplyByMap } from '../kernels/picture-values.ts';
import { defineMetric } from './definition.ts';
import { lostShare, scorePair, shareOf } from './support/drop.ts';
import { SCORE } from './support/score-param.ts';

/**
 * Average Drop of the map's larger half: S · [S > v], v the ⌊P/2⌋-th largest value, so that values equal to v go too. A constant
 * map leaves nothing.
 */
export const halfMutedDrop = defineMetric({
  name: 'half-muted-drop',
  title: 'Half-muted drop',
  family: 'confidence',
  source: 'Score-CAM, arXiv:1910.01279',
  direction: 'lower',
  range: [0, null],
  unit: 'fraction',
  needs: { scores: true },
  cost: '1F',
  params: { score: SCORE },
  variants: async ({ subject, map }) => {
    const order = await map.order();
    const least = map.data[order[Math.max(0, Math.floor(subject.pixels / 2) - 1)]!]!;
    const larger = map.data.map(value => (value > least ? value : 0));
    return [{ from: await multiplyByMap(subject.input, subject.shape, larger) }];
  },
  measure: (asked, scores) => shareOf(asked, lostShare(...scorePair(asked, scores))),
});
