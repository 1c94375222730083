import { defineMetric, type MetricCase } from './definition.ts';
import { baselineOf, baselineParam } from './support/baseline-param.ts';
import { blocksOf, defaultPatch } from './support/blocks.ts';
import { SCORE, scoreOf } from './support/score-param.ts';
import { sumOver } from './support/subsets.ts';

/**
 * 1/(L + 1) Σ_{i = 0…L} (f(x) − f(x_i)): how fast f falls while square blocks are removed, those of the largest sum of S first,
 * equal sums in row order. Quantus has no step 0, and its grid is centred where the blocks do not fit. Blocks at the edges are
 * cut off. The curve is f(x) − f(x_i) over the share of removed pixels.
 */
export const aopc = defineMetric({
  name: 'aopc',
  aliases: ['region-perturbation'],
  title: 'AOPC',
  family: 'perturbation',
  source: 'Samek et al. 2016, arXiv:1509.06321',
  direction: 'higher',
  range: [null, null],
  unit: 'score',
  needs: { scores: true },
  cost: 'regions F',
  params: {
    score: SCORE,
    patch: {
      type: 'integer',
      min: 1,
      defaults: { quantus: 8 },
      description: "side of a block in pixels; default a seventh of the input's width",
    },
    regions: {
      type: 'integer',
      min: 1,
      defaults: { quantus: 100 },
      description: 'blocks that are removed; default all',
    },
    baseline: baselineParam('zero', { quantus: 'min' }),
  },
  variants: async asked => {
    const { subject, params } = asked;
    const { order, ends } = removalOf(asked);
    const from = subject.input;
    const to = await subject.baseline(baselineOf(params));
    return ends.map(end => ({ from, to, order, begin: 0, end }));
  },
  measure: (asked, scores) => {
    const { subject, params, convention } = asked;
    const kind = scoreOf(params);
    const { order, ends } = removalOf(asked);
    const x = ends.map(end => end / order.length);
    const y = Array.from(scores[kind], score => subject.score(kind) - score);
    const sum = y.reduce((a, b) => a + b, 0);
    if (convention === 'quantus') return { value: sum / y.length, curve: { x, y } };
    return { value: sum / (y.length + 1), curve: { x: [0, ...x], y: [0, ...y] } };
  },
});

interface Removal {
  /** All pixels, block by block. */
  readonly order: Uint32Array;
  /** Removed pixels after each step. */
  readonly ends: readonly number[];
}

function removalOf({ subject, map, params, convention }: MetricCase): Removal {
  const { shape, pixels } = subject;
  const { patch = defaultPatch(shape.width), regions } = params as {
    readonly patch?: number;
    readonly regions?: number;
  };
  const blocks = blocksOf(shape, patch, convention === 'quantus');
  const sums = blocks.map(block => sumOver(map.data, block));
  const ranked = blocks.map((_, i) => i).sort((a, b) => sums[b]! - sums[a]! || a - b);
  const order = new Uint32Array(pixels);
  const ends: number[] = [];
  let end = 0;
  for (const i of ranked) {
    order.set(blocks[i]!, end);
    end += blocks[i]!.length;
    ends.push(end);
  }
  return { order, ends: ends.slice(0, regions) };
}
