import type { FeatureMaps } from '../kernels/features.ts';
import { resize } from '../kernels/index.ts';
import type { Maps, ResizeOptions } from '../kernels/types.ts';
import { defineMethod, gradientsOf, type LayerTensors } from './definition.ts';

type Mode = 'official' | 'pgc';

/** What is added to the largest value, by which is divided. */
const EPSILON: Record<Mode, number> = { official: 1e-6, pgc: 1e-7 };

/** |G ⊙ x| of the input, |G ⊙ b| of a layer with a bias: [N, C, h, w] of the gradients' N; these may be lazy. */
function magnitudes({ activations, gradients, bias }: LayerTensors & { gradients: FeatureMaps }): FeatureMaps {
  const [, channels, height, width] = activations.dims as [number, number, number, number];
  const count = gradients.dims[0]!;
  const positions = height * width;
  const own = gradients.data.length / (count * channels);
  const data = new Float32Array(count * channels * positions);
  for (let i = 0; i < data.length; i++) {
    const row = Math.floor(i / positions);
    const factor = bias ? bias[row % channels]! : activations.data[i % activations.data.length]!;
    data[i] = Math.abs(factor * gradients.data[own === 1 ? row : i]!);
  }
  return { data, dims: [count, channels, height, width] };
}

/** Every stretch of `length` values as (v − min) / (max − min + ε); a constant one becomes 0. */
function stretchRuns(data: Float32Array, length: number, epsilon: number): void {
  for (let from = 0; from < data.length; from += length) {
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = from; i < from + length; i++) {
      min = Math.min(min, data[i]!);
      max = Math.max(max, data[i]!);
    }
    for (let i = from; i < from + length; i++) data[i] = (data[i]! - min) / (max - min + epsilon);
  }
}

/** Σ over channels: [N, h, w]. */
function channelSums({ data, dims }: FeatureMaps): Maps {
  const [count, channels, height, width] = dims as [number, number, number, number];
  const positions = height * width;
  const sums = new Float32Array(count * positions);
  for (let i = 0; i < data.length; i++) {
    const image = Math.floor(i / (channels * positions));
    sums[image * positions + (i % positions)]! += data[i]!;
  }
  return { data: sums, dims: [count, height, width] };
}

/**
 * Σ of the stretched |∂y/∂x ⊙ x| at the input and |∂y/∂z ⊙ b| at every convolution and batch normalisation z with a bias b.
 * `official` stretches all channels of a term together and enlarges with corners on corners, `pgc` stretches every
 * channel by itself and enlarges with half-pixel centres (docs/methods.md#fullgrad).
 */
export const fullGrad = defineMethod({
  name: 'fullgrad',
  aliases: ['full-grad'],
  title: 'FullGrad',
  family: 'gradient',
  paper: 'arXiv:1905.00780',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  params: {
    mode: {
      type: 'string',
      values: ['official', 'pgc'],
      default: 'official',
      defaults: { 'pytorch-grad-cam': 'pgc' },
      description: "the authors' stretching and enlarging, or pytorch-grad-cam's",
    },
  },
  conventions: ['pytorch-grad-cam'],
  relu: false,
  scope: 'graph',
  reads: 'biased',
  compute: async (layers, { params, size }) => {
    const mode = params.mode as Mode;
    const interpolation: ResizeOptions['interpolation'] = mode === 'pgc' ? 'bilinear' : 'align-corners';
    let total: Maps | undefined;
    for (const layer of layers) {
      const term = magnitudes({ ...layer, gradients: gradientsOf(layer) });
      const [, channels, height, width] = term.dims as [number, number, number, number];
      stretchRuns(term.data, (mode === 'pgc' ? 1 : channels) * height * width, EPSILON[mode]);
      // Enlarging is linear: the sum over channels is enlarged in their place.
      const { data, dims } = await resize(channelSums(term), { ...size, interpolation });
      if (total) for (let i = 0; i < data.length; i++) total.data[i]! += data[i]!;
      else total = { data, dims };
    }
    return { maps: total! };
  },
});
