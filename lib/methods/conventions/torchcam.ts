import { combined, type Finish, stretched } from './convention.ts';

/**
 * torchcam 0.5 (docs/methods.md#conventions): ReLU (not for CAM), M − min, / (max + 1e-8) at the layer's resolution.
 * Several layers: the maximum at the largest one's resolution, no further stretch (`fuse_cams`).
 */
export const torchcam: Finish = async input => {
  const layers = await stretched(input, 'torchcam', { deepest: 'scaled' });
  return layers.length === 1 ? layers[0]! : combined(layers, Math.max);
};
