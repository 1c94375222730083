import { pearson } from '../common/pearson.ts';
import { pixelOf } from '../kernels/picture-values.ts';
import type { PixelVariant } from '../scoring/pixel-variants.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import { baselineOf, baselineParam } from './support/baseline-param.ts';
import { drawOf } from './support/draw.ts';
import { SCORE, scoreOf } from './support/score-param.ts';
import { drawSubset, onceFor, sumOver, withEachReplaced } from './support/subsets.ts';

/**
 * Pearson's correlation of Σ S over a random subset with f(x) − f(subset removed), over subsets of one size. Subsets are of
 * pixels; of Quantus' convention of the input's single values, the map repeated over the channels. Depends on the seed.
 */
export const faithfulnessCorrelation = defineMetric({
  name: 'faithfulness-correlation',
  title: 'Faithfulness correlation',
  family: 'correlation',
  source: 'Bhatt et al. 2020, arXiv:2005.00631',
  direction: 'higher',
  range: [-1, 1],
  unit: 'correlation',
  needs: { scores: true },
  cost: 'n F',
  params: {
    score: { ...SCORE, defaults: { quantus: 'logit' } },
    subset: {
      type: 'integer',
      min: 1,
      defaults: { quantus: 224 },
      description: 'pixels in a subset (of Quantus: values of the input); default a twentieth of all',
    },
    n: { type: 'integer', min: 2, default: 100, description: 'subsets' },
    baseline: baselineParam('zero', { quantus: 'min' }),
  },
  variants: async asked => {
    const { subject, params, convention } = asked;
    const to = await subject.baseline(baselineOf(params));
    const drawn = subsets(asked);
    if (convention !== 'quantus') return withEachReplaced(subject, to, drawn);
    return onceFor(subject, `images ${keyOf(asked)} ${params.baseline}`, () =>
      drawn.map(valuesReplaced(subject.input, to)),
    );
  },
  measure: (asked, scores) => {
    const { subject, map, params, convention } = asked;
    const kind = scoreOf(params);
    const pixels = (subset: Uint32Array) =>
      convention === 'quantus' ? subset.map(value => pixelOf(subject.shape, value)) : subset;
    const sums = subsets(asked).map(subset => sumOver(map.data, pixels(subset)));
    const losses = scores[kind].map(score => subject.score(kind) - score);
    const value = pearson(sums, losses);
    return value === null ? { value, reason: 'the sums or the scores do not vary' } : { value };
  },
});

function sizeOf({ subject, params }: MetricCase): { readonly subset: number; readonly n: number } {
  const { subset = Math.max(1, Math.floor(subject.pixels / 20)), n } = params as {
    readonly subset?: number;
    readonly n: number;
  };
  return { subset, n };
}

function keyOf(asked: MetricCase): string {
  const { subset, n } = sizeOf(asked);
  return `faithfulness-correlation ${asked.convention === 'quantus'} ${subset} ${n}`;
}

/** Numbers of pixels; of Quantus' convention of values. */
function subsets(asked: MetricCase): Uint32Array[] {
  const { subject, convention } = asked;
  const { subset, n } = sizeOf(asked);
  const count = convention === 'quantus' ? subject.input.length : subject.pixels;
  return onceFor(subject, keyOf(asked), () =>
    Array.from({ length: n }, (_, sample) =>
      drawSubset(count, Math.min(subset, count), drawOf(subject, 'faithfulness-correlation', sample)),
    ),
  );
}

/** Single values, not whole pixels: images of their own. */
const valuesReplaced =
  (input: Float32Array, baseline: Float32Array) =>
  (subset: Uint32Array): PixelVariant => {
    const from = input.slice();
    for (const value of subset) from[value] = baseline[value]!;
    return { from };
  };
