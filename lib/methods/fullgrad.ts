import { fullGradTerm } from '../kernels/fullgrad.ts';
import { resize } from '../kernels/index.ts';
import { combineMaps } from '../kernels/map-values.ts';
import type { Maps, ResizeOptions } from '../kernels/types.ts';
import { defineMethod, gradientsOf } from './definition.ts';

type Mode = 'official' | 'pgc';

/** What is added to the largest value, by which is divided. */
const EPSILON: Record<Mode, number> = { official: 1e-6, pgc: 1e-7 };

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
    const stretch = { perChannel: mode === 'pgc', epsilon: EPSILON[mode] };
    let total: Maps | undefined;
    for (const layer of layers) {
      const term = await fullGradTerm(layer.activations, gradientsOf(layer), layer.bias, stretch);
      // Enlarging is linear: the sum over channels is enlarged in their place.
      const enlarged = await resize(term, { ...size, interpolation });
      total = total ? await combineMaps([total, enlarged], 'sum') : enlarged;
    }
    return { maps: total! };
  },
});
