import { defineMetric, type MetricCase } from './definition.ts';
import { histogramEntropy } from './support/histogram-entropy.ts';
import { whyIncomparable } from './support/similarity.ts';

/**
 * Efficient MPRT: (H(S_random) − H(S)) / H(S), H the entropy of a histogram of the map, S_random the map of the network with all its
 * weights drawn anew. A map that tells about the network becomes less orderly.
 */
export const emprt = defineMetric({
  name: 'emprt',
  title: 'Efficient MPRT',
  family: 'randomisation',
  source: 'Hedström et al. 2023, arXiv:2401.06465',
  direction: 'higher',
  range: [-1, null],
  unit: 'ratio',
  needs: { explanations: true, randomized: true },
  refuses: ['zero', 'constant'],
  cost: '1M',
  params: { bins: { type: 'integer', default: 100, min: 2, max: 65536, description: 'of the histogram' } },
  measure: async ({ map, params, units = 0, explain }: MetricCase) => {
    if (units === 0) return { value: null, reason: 'the network has no weights that could be drawn anew' };
    const other = await explain!({ randomized: { order: 'top-down', unit: units - 1 } });
    const why = whyIncomparable(other);
    if (why) return { value: null, reason: `the map of the randomised network ${why}` };
    const bins = params.bins as number;
    const before = histogramEntropy(map.data, bins);
    const after = histogramEntropy(other, bins);
    return { value: (after - before) / before, details: { before, after } };
  },
});
