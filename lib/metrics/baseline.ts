import type { PictureShape } from '../kernels/picture-values.ts';

/** What a removed pixel becomes (docs/metrics.md#baselines). */
export const BASELINES = ['zero', 'black', 'mean', 'min', 'blur', 'blur-reflect'] as const;
/** A name, or the number that every value of the input becomes. */
export type Baseline = (typeof BASELINES)[number] | number;

/**
 * RISE's blur: SciPy's Gaussian of deviation 5, cut off at 4 deviations, over a single one in 11 cells. Its border mirrors the
 * cells about their edge, so that the tails are folded in.
 */
export const RISE_KERNEL = ((): Float64Array => {
  const kernel = new Float64Array(11);
  for (const [i, weight] of gaussian(20).entries()) {
    const place = (((i - 15) % 22) + 22) % 22;
    kernel[place < 11 ? place : 21 - place]! += weight;
  }
  return kernel;
})();

/** torchvision's gaussian_blur: 11 cells, deviation 5, cut off and scaled to a sum of 1. */
export const REFLECTED_KERNEL = gaussian(5);

/** Weights of deviation 5 and sum 1 up to `radius` cells from the middle. */
function gaussian(radius: number): Float64Array {
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / 50));
  const sum = weights.reduce((total, value) => total + value, 0);
  return weights.map(value => value / sum);
}

/** Inputs that are the same everywhere, or in every channel: their score belongs to the network, not to the picture. */
export function isConstant(name: Baseline): boolean {
  return name === 'zero' || name === 'black' || typeof name === 'number';
}

/** An input of one value for each channel. */
export function constantOf(
  name: Exclude<Baseline, 'blur' | 'blur-reflect'>,
  input: Float32Array,
  shape: PictureShape,
  preprocess: { readonly mean: readonly number[]; readonly std: readonly number[] } | null,
): Float32Array {
  const { channels } = shape;
  const values = Float64Array.from({ length: channels }, (_, c) => {
    if (typeof name === 'number') return name;
    if (name === 'zero') return 0;
    // A tensor's own zero is black, as far as anybody knows.
    if (name === 'black') return preprocess ? -(preprocess.mean[c] ?? 0) / (preprocess.std[c] ?? 1) : 0;
    return name === 'min' ? minimum(input) : channelMean(input, shape, c);
  });
  return filled(values, input.length, shape);
}

function filled(values: Float64Array, length: number, { channels, channelsLast }: PictureShape): Float32Array {
  const made = new Float32Array(length);
  const positions = length / channels;
  if (!channelsLast) for (let c = 0; c < channels; c++) made.fill(values[c]!, c * positions, (c + 1) * positions);
  else for (let i = 0; i < length; i++) made[i] = values[i % channels]!;
  return made;
}

/** Over all channels: the smallest value of the input. */
function minimum(input: Float32Array): number {
  return input.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
}

function channelMean(input: Float32Array, { channels, channelsLast }: PictureShape, c: number): number {
  const positions = input.length / channels;
  let sum = 0;
  for (let i = 0; i < positions; i++) sum += input[channelsLast ? i * channels + c : c * positions + i]!;
  return sum / positions;
}
