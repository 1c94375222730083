import { normalize } from '../../kernels/maps.ts';
import { combined, type Finish, mapped, sized } from './convention.ts';

/**
 * pytorch-grad-cam 1.5 (docs/methods.md#conventions): per layer ReLU, M − min, / (1e-7 + max), bilinear resize to the
 * input's size; then the mean over layers, stretched once more in the same way.
 */
export const pytorchGradCam: Finish = async ({ layers, size, relu, stretchedOnce }) => {
  const kind = 'pgc';
  const maps = await Promise.all(layers.map(async layer => sized(await normalize(layer, { kind, relu }), size)));
  const mean = mapped(
    combined(maps, (a, b) => a + b),
    value => value / maps.length,
  );
  return stretchedOnce ? mean : normalize(mean, { kind });
};
