import type { PixelVariant } from '../scoring/pixel-variants.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import type { ScoreKind } from './score-kind.ts';
import { SCORE, scoreOf } from './support/score-param.ts';

/** Below this a score is none, and nothing can be divided by it. */
const LEAST_SCORE = 1e-12;

/** O = f(x ⊙ S). */
export async function maskedVariant({ map }: MetricCase): Promise<PixelVariant[]> {
  return [{ from: await map.masked() }];
}

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
  measure: ({ subject, params, convention }, scores) => {
    const kind: ScoreKind = scoreOf(params);
    const [y, o] = [subject.score(kind), scores[kind][0]!];
    const drop = Math.max(0, y - o);
    if (convention === 'pytorch-grad-cam') return { value: drop };
    const whole = Math.abs(y);
    if (whole < LEAST_SCORE) return { value: null, reason: 'the score of the picture is zero' };
    return { value: drop / (convention === 'torchcam' ? whole + 1e-7 : whole) };
  },
});
