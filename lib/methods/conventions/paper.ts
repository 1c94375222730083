import { combined, type Finish, mapped, stretched } from './convention.ts';

/**
 * ReLU, then (M − min)/(max − min) at the layer's resolution. Several layers are joined at the largest one's: by their
 * mean, or for LayerCAM by the maximum of tanh(2M) of the shallow ones (section III-C; here all but the deepest) and the deepest.
 */
export const paper: Finish = async input => {
  const layers = await stretched(input, 'range', { deepest: 'plain' });
  if (layers.length === 1) return layers[0]!;
  if (input.fusion === 'tanh-max') return combined(layers, Math.max);
  return mapped(
    combined(layers, (a, b) => a + b),
    value => value / layers.length,
  );
};
