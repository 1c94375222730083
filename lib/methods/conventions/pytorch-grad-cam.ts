import { combined, type Finish, mapped, normalized, sized } from './convention.ts';

/**
 * pytorch-grad-cam 1.5 (methods.md §8.1, steps 3 and 4): per layer ReLU, M − min, / (1e-7 + max), bilinear resize to the
 * input's size; then the mean over layers, stretched once more in the same way.
 */
export const pytorchGradCam: Finish = async ({ layers, size, relu, stretchedOnce }) => {
  const resized = await Promise.all(layers.map(async maps => sized(await normalized(maps, 'pgc', relu), size)));
  const mean = mapped(
    combined(resized, (a, b) => a + b),
    value => value / resized.length,
  );
  return stretchedOnce ? mean : normalized(mean, 'pgc');
};
