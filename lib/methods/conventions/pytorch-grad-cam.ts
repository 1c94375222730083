import { combineMaps } from '../../kernels/map-values.ts';
import { normalize } from '../../kernels/maps.ts';
import { type Finish, sized } from './convention.ts';

/**
 * pytorch-grad-cam 1.5 (docs/methods.md#conventions): per layer ReLU, M − min, / (1e-7 + max), bilinear resize to the
 * input's size; then the mean over layers, stretched once more in the same way.
 */
export const pytorchGradCam: Finish = async ({ layers, size, relu, stretchedOnce }) => {
  const kind = 'pgc';
  const maps = await Promise.all(layers.map(async layer => sized(await normalize(layer, { kind, relu }), size)));
  const mean = await combineMaps(maps, 'mean');
  return stretchedOnce ? mean : normalize(mean, { kind });
};
