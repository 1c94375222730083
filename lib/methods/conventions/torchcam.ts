import { type Finish, joined } from './convention.ts';

/**
 * torchcam 0.5 (docs/methods.md#conventions): ReLU (not for CAM), M − min, / (max + 1e-8) at the layer's resolution.
 * Several layers are joined at the largest one's, by LayerCAM with all of them through tanh(2M) (`fuse_cams`).
 */
export const torchcam: Finish = input => joined(input, 'torchcam', { deepest: 'scaled' });
