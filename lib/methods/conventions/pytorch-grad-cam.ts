import { normalize, resize } from '../../kernels/index.ts';
import { combined, type Finish, mapped, rectified } from './convention.ts';

/**
 * pytorch-grad-cam 1.5 (methods.md §8.1, steps 3 and 4): per layer ReLU, M − min, / (1e-7 + max), bilinear resize to the
 * input's size; then the mean over layers, stretched once more in the same way.
 */
export const pytorchGradCam: Finish = async ({ layers, size, relu, stretchedOnce }) => {
  const sized = await Promise.all(
    layers.map(async maps =>
      resize(await normalize(relu ? rectified(maps) : maps, { kind: 'pgc' }), { ...size, interpolation: 'bilinear' }),
    ),
  );
  const mean = mapped(
    combined(sized, (a, b) => a + b),
    value => value / sized.length,
  );
  return stretchedOnce ? mean : normalize(mean, { kind: 'pgc' });
};
