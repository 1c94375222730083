import { colourStrength } from '../kernels/feature-values.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import { defineMethod, type LayerTensors } from './definition.ts';

/** The guided gradients of a method that declared them in `needs`. */
export function guidedOf({ guided }: LayerTensors): FeatureMaps {
  if (!guided) throw new TypeError('guided gradients were not computed for a method that needs them');
  return guided;
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
  compute: async ([layer]) => ({ maps: await colourStrength(guidedOf(layer)), raw: guidedOf(layer) }),
});
