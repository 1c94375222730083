import { invalid } from '../common/checks.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import { IGNORED, NO_OBJECT } from './support/object.ts';
import { objectOfLargest } from './support/object-of-largest.ts';

const K = 1000;

/** The share of the k largest pixels that lie in the object G; with `conceptInfluence` times P / |G|, what chance would give being 1. */
export const topK = defineMetric({
  name: 'top-k',
  aliases: ['top-k-intersection'],
  title: 'Top-k Intersection',
  family: 'localisation',
  source: 'Theiner et al. 2021, arXiv:2104.14995',
  direction: 'higher',
  range: [0, null],
  unit: 'fraction',
  needs: { truth: 'region' },
  cost: '0F',
  params: {
    k: { type: 'integer', default: K, min: 1, description: 'pixels' },
    conceptInfluence: { type: 'boolean', default: false, description: "relative to the object's share of the picture" },
  },
  measure: async ({ map, truth, params }: MetricCase) => {
    if (!truth?.inside) return NO_OBJECT;
    const k = params.k as number;
    const pixels = truth.mask.reduce((count, cell) => count + (cell === IGNORED ? 0 : 1), 0);
    if (k > pixels) {
      const tooFew = `the input has ${pixels} pixels that count, fewer than k = ${k}; give top-k a smaller k`;
      // The default is nobody's choice.
      if (k === K) return { value: null, reason: tooFew };
      throw invalid(tooFew);
    }
    const share = objectOfLargest(await map.order(), truth.mask, k) / k;
    return { value: params.conceptInfluence ? (share * pixels) / truth.inside : share };
  },
});
