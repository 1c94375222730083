import type { FeatureMaps } from '../kernels/features.ts';
import type { Maps } from '../kernels/types.ts';
import { defineMethod, type LayerTensors } from './definition.ts';

/** The guided gradients of a method that declared them in `needs`. */
export function guidedOf({ guided }: LayerTensors): FeatureMaps {
  if (!guided) throw new TypeError('guided gradients were not computed for a method that needs them');
  return guided;
}

/** Σ_c |value| over the channels of [N, C, H, W]: where a picture of signed colours is strong. */
export function strength({ data, dims }: FeatureMaps): Maps {
  const [count, channels, height, width] = dims as [number, number, number, number];
  const positions = height * width;
  const sums = new Float32Array(count * positions);
  for (let n = 0; n < count; n++)
    for (let c = 0; c < channels; c++) {
      const from = (n * channels + c) * positions;
      for (let p = 0; p < positions; p++) sums[n * positions + p]! += Math.abs(data[from + p]!);
    }
  return { data: sums, dims: [count, height, width] };
}

/**
 * The gradient at the input with negative parts cut off at every ReLU on the way back. Sharp, but nearly the same for
 * every class: it fails the sanity checks of arXiv:1810.03292. The map is Σ_c |·| over colours, `raw` has the colours.
 */
export const guidedBackprop = defineMethod({
  name: 'guided-backprop',
  aliases: ['guided-backpropagation'],
  title: 'Guided Backprop',
  family: 'gradient',
  paper: 'arXiv:1412.6806',
  needs: { activations: true, guided: true },
  cost: '1F + 1B',
  conventions: ['pytorch-grad-cam'],
  relu: false,
  scope: 'graph',
  reads: 'input',
  compute: async ([layer]) => ({ maps: strength(guidedOf(layer)), raw: guidedOf(layer) }),
});
