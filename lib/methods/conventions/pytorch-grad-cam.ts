import { allReady, whenReady } from '../../maybe-later.ts';
import { combined, type Finish, mapped, normalized, sized } from './convention.ts';

/**
 * pytorch-grad-cam 1.5 (docs/methods.md#conventions): per layer ReLU, M − min, / (1e-7 + max), bilinear resize to the
 * input's size; then the mean over layers, stretched once more in the same way.
 */
export const pytorchGradCam: Finish = ({ layers, size, relu, stretchedOnce }) => {
  const resized = allReady(layers, maps =>
    whenReady(normalized(maps, 'pgc', relu), stretched => sized(stretched, size)),
  );
  return whenReady(resized, maps => {
    const mean = mapped(
      combined(maps, (a, b) => a + b),
      value => value / maps.length,
    );
    return stretchedOnce ? mean : normalized(mean, 'pgc');
  });
};
