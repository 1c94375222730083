import { type Finish, joined } from './convention.ts';

/**
 * ReLU, then (M − min)/(max − min) at the layer's resolution. Several layers are joined at the largest one's, by LayerCAM
 * with all but the deepest through tanh(2M) (section III-C scales the shallow ones).
 */
export const paper: Finish = input => joined(input, 'range', { deepest: 'plain' });
