import { noisyCopies } from '../kernels/random.ts';
import { MapSums } from './support/map-sums.ts';
import { type ChangedInput, defineTechnique, type TechniqueSubject } from './technique.ts';

/**
 * SmoothGrad: M = mean_i raw(x + σ·(max x − min x)·N_i), then the method's post-processing once. `square`: the mean of raw²,
 * `variance`: mean of squares − square of the mean (population; captum's vargrad).
 */
export const smoothGrad = defineTechnique({
  name: 'smooth-grad',
  aliases: ['noise-tunnel'],
  title: 'SmoothGrad',
  paper: 'arXiv:1706.03825',
  cost: 'M + n·M',
  params: {
    n: { type: 'integer', default: 25, min: 1, max: 10000, description: 'noisy copies of the image' },
    sigma: {
      type: 'number',
      default: 0.15,
      min: 0,
      description: "standard deviation of the noise, as a share of the input's range",
    },
    mode: {
      type: 'string',
      values: ['mean', 'square', 'variance'],
      default: 'mean',
      description: "mean, mean of squares, or variance of the copies' raw maps",
    },
  },
  volumes: true,
  async apply(subject, params) {
    const { n, mode } = params as { n: number; mode: 'mean' | 'square' | 'variance' };
    const sums = subject.slots.map(() => new MapSums());
    const squares = subject.slots.map(() => new MapSums());
    for await (const { maps } of subject.explain(noisyInputs(subject, n, params.sigma as number), n))
      for (const [s, { raw }] of maps.entries()) {
        if (mode !== 'square') sums[s]!.add(raw);
        if (mode !== 'mean') squares[s]!.add(raw, 1, value => value * value);
      }
    return subject.slots.map((_, s) => {
      if (mode === 'mean') return { raw: sums[s]!.mean() };
      if (mode === 'square') return { raw: squares[s]!.mean() };
      const variance = (square: number, weight: number, l: number, i: number) =>
        // Rounding may leave less than nothing where all copies agree.
        Math.max(0, square / weight - (sums[s]!.total(l, i) / weight) ** 2);
      return { raw: squares[s]!.result(variance) };
    });
  },
});

async function* noisyInputs(
  { tensor, seed }: TechniqueSubject,
  runs: number,
  share: number,
): AsyncGenerator<ChangedInput> {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of tensor.data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  for await (const copy of noisyCopies(tensor, 1, { runs, sigma: share * (high - low) }, seed)) yield { tensor: copy };
}
