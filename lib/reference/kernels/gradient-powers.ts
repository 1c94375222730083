import { type FeatureMaps, featurePair } from '../../kernels/features.ts';
import { rowsOf } from './reductions.ts';

/** Twin of native/kernels/reduce/gradient_powers.cpp, with all copies at once. */
export function smoothWeights(
  activations: FeatureMaps,
  copies: readonly FeatureMaps[],
  first?: FeatureMaps,
): Float32Array {
  const pair = featurePair(activations, copies[0]!);
  const { images, channels, positions } = pair.shape;
  const mean = (i: number, power: number): number =>
    copies.reduce((sum, { data }) => sum + data[i]! ** power, 0) / copies.length;
  return Float32Array.from({ length: images * channels }, (_, row) => {
    const { first: start, gradient, step } = rowsOf(pair, Math.floor(row / channels), row % channels);
    let product = 0;
    for (let p = 0; p < positions; p++) product += mean(gradient + p * step, 3) * activations.data[start + p]!;
    let weight = 0;
    for (let p = 0; p < positions; p++) {
      const at = gradient + p * step;
      const square = mean(at, 2);
      const value = Math.max(0, first ? first.data[at]! : mean(at, 1));
      if (value > 0) weight += (square / (2 * square + product + 1e-8)) * value;
    }
    return weight;
  });
}
