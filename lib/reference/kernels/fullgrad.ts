import { type FeatureMaps, featurePair } from '../../kernels/features.ts';
import type { FullGradOptions } from '../../kernels/fullgrad.ts';
import type { Maps } from '../../kernels/types.ts';
import { rowsOf } from './reductions.ts';

/** Twin of native/kernels/reduce/fullgrad.cpp. */
export function fullGradTerm(
  activations: FeatureMaps,
  gradients: FeatureMaps,
  bias: Float32Array | undefined,
  { perChannel, epsilon }: FullGradOptions,
): Maps {
  const pair = featurePair(activations, gradients);
  const { channels, positions, height, width } = pair.shape;
  const images = bias ? pair.factorImages : pair.shape.images;
  const sums = new Float64Array(images * positions);
  for (let n = 0; n < images; n++) {
    const values = new Float32Array(channels * positions);
    for (let k = 0; k < channels; k++) {
      const { first, gradient, step } = rowsOf(pair, n, k);
      for (let i = 0; i < positions; i++) {
        const factor = bias ? bias[k]! : activations.data[first + i]!;
        values[k * positions + i] = Math.abs(factor * gradients.data[gradient + i * step]!);
      }
    }
    const length = perChannel ? positions : values.length;
    for (let from = 0; from < values.length; from += length) {
      const own = values.subarray(from, from + length);
      const min = own.reduce((least, value) => Math.min(least, value));
      const max = own.reduce((most, value) => Math.max(most, value));
      own.forEach((value, i) => {
        sums[n * positions + ((from + i) % positions)]! += (value - min) / (max - min + epsilon);
      });
    }
  }
  return { data: Float32Array.from(sums), dims: [images, height, width] };
}
