import { combineMaps } from '../../kernels/map-values.ts';
import { type Finish, stretched } from './convention.ts';

/**
 * torchcam 0.5 (docs/methods.md#conventions): ReLU (not for CAM), M − min, / (max + 1e-8) at the layer's resolution.
 * Several layers: the maximum at the largest one's resolution, no further stretch (`fuse_cams`).
 */
export const torchcam: Finish = async input => {
  return combineMaps(await stretched(input, 'torchcam', { deepest: 'scaled' }), 'maximum');
};
