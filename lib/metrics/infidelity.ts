import { pixelOf } from '../kernels/picture-values.ts';
import type { PixelVariant } from '../scoring/pixel-variants.ts';
import { defineMetric, type MetricCase } from './definition.ts';
import type { JudgedMap } from './judged-map.ts';
import type { Subject } from './subject.ts';
import { baselineOf, baselineParam } from './support/baseline-param.ts';
import { blocksOf, defaultPatch } from './support/blocks.ts';
import { drawOf } from './support/draw.ts';
import { SCORE, scoreOf } from './support/score-param.ts';
import { onceFor, sumOver, withEachReplaced } from './support/subsets.ts';

interface InfidelityParams {
  readonly perturbation: 'square' | 'indicator' | 'gaussian';
  readonly patch?: number;
  readonly sigma: number;
  readonly n: number;
  readonly normalize: boolean;
}

/**
 * mean over perturbations I of (β Σ I·φ − (f(x) − f(x − I)))², φ the map repeated over the channels: how far the map is from
 * predicting what a change does to f. β = Σ(ΣI·φ)Δ / Σ(ΣI·φ)² fits the map's scale, which says nothing of a map in [0, 1]; 0 where
 * that is 0/0; 1 with `normalize: false`.
 * `square`: each block of a grid once, I = x − b inside; `indicator`: the same inputs, φ summed over the block as it is;
 * `gaussian`: I ~ N(0, σ²), which depends on the seed.
 */
export const infidelity = defineMetric({
  name: 'infidelity',
  title: 'Infidelity',
  family: 'correlation',
  source: 'Yeh et al. 2019, arXiv:1901.09392',
  direction: 'lower',
  range: [0, null],
  unit: 'score',
  needs: { scores: true },
  cost: 'blocks F, or n F',
  params: {
    score: SCORE,
    perturbation: {
      type: 'string',
      values: ['square', 'indicator', 'gaussian'],
      default: 'square',
      description: 'what is changed, and what the map says of it',
    },
    patch: {
      type: 'integer',
      min: 1,
      description: "side of a block in pixels; default a seventh of the input's width",
    },
    sigma: {
      type: 'number',
      min: 0,
      default: 0.2,
      description: "deviation of `gaussian`, as a share of the input's range",
    },
    n: { type: 'integer', min: 1, default: 50, description: 'draws of `gaussian`' },
    normalize: { type: 'boolean', default: true, description: "whether the map's scale is fitted" },
    baseline: baselineParam('zero', {}, 'a pixel that `square` and `indicator` remove'),
  },
  variants: async asked => {
    if (asked.convention === 'quantus') return [];
    const { subject, params } = asked;
    if (paramsOf(asked).perturbation === 'gaussian') return noisyInputs(asked);
    const to = await subject.baseline(baselineOf(params));
    return withEachReplaced(subject, to, blocksAsked(asked));
  },
  measure: async (asked, scores) => {
    const { subject, params, convention } = asked;
    if (convention === 'quantus')
      return { value: null, reason: "Quantus' infidelity is another quantity; convention 'paper' gives this one" };
    const kind = scoreOf(params);
    const losses = scores[kind].map(score => subject.score(kind) - score);
    const foreseen = await predictions(asked);
    const sum = (term: (a: number, b: number) => number) =>
      losses.reduce((total, loss, i) => total + term(foreseen[i]!, loss), 0);
    const squares = sum(a => a * a);
    const beta = !paramsOf(asked).normalize ? 1 : squares === 0 ? 0 : sum((a, b) => a * b) / squares;
    return { value: sum((a, b) => (beta * a - b) ** 2) / losses.length, details: { beta } };
  },
});

const paramsOf = ({ params }: MetricCase) => params as unknown as InfidelityParams;

function blocksAsked(asked: MetricCase): Uint32Array[] {
  const { subject } = asked;
  const { patch = defaultPatch(subject.shape.width) } = paramsOf(asked);
  return onceFor(subject, `blocks ${patch}`, () => blocksOf(subject.shape, patch));
}

/** x − I; the same for all maps of an image. */
function noisyInputs(asked: MetricCase): PixelVariant[] {
  const { subject } = asked;
  const { sigma, n } = paramsOf(asked);
  return onceFor(subject, `infidelity ${sigma} ${n}`, () => {
    const deviation = sigma * rangeOf(subject.input);
    return Array.from({ length: n }, (_, sample) => {
      const random = drawOf(subject, 'infidelity', sample);
      return { from: subject.input.map(value => value - deviation * random.normal()) };
    });
  });
}

/** Σ I·φ of each perturbation. */
async function predictions(asked: MetricCase): Promise<number[]> {
  const { subject, map, params } = asked;
  const { perturbation } = paramsOf(asked);
  if (perturbation === 'gaussian')
    return noisyInputs(asked).map(({ from }) => weighted(subject, map, from).reduce((a, b) => a + b, 0));
  const blocks = blocksAsked(asked);
  if (perturbation === 'indicator') return blocks.map(block => sumOver(map.data, block));
  const products = weighted(subject, map, await subject.baseline(baselineOf(params)));
  return blocks.map(block => sumOver(products, block));
}

/** S · Σ_c (x − other): [H · W]. */
function weighted({ input, shape, pixels }: Subject, map: JudgedMap, other: Float32Array): Float64Array {
  const products = new Float64Array(pixels);
  for (let i = 0; i < input.length; i++) {
    const pixel = pixelOf(shape, i);
    products[pixel]! += map.data[pixel]! * (input[i]! - other[i]!);
  }
  return products;
}

function rangeOf(values: Float32Array): number {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) [min, max] = [Math.min(min, value), Math.max(max, value)];
  return max - min;
}
