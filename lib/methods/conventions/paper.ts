import { combineMaps } from '../../kernels/map-values.ts';
import { type Finish, stretched } from './convention.ts';

/**
 * ReLU, then (M − min)/(max − min) at the layer's resolution. Several layers are joined at the largest one's: by their
 * mean, or for LayerCAM by the maximum of tanh(2M) of the shallow ones (section III-C; here all but the deepest) and the deepest.
 */
export const paper: Finish = async input => {
  const layers = await stretched(input, 'range', { deepest: 'plain' });
  return combineMaps(layers, input.fusion === 'tanh-max' ? 'maximum' : 'mean');
};
