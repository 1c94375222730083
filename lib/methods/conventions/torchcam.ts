import { normalize, resize } from '../../kernels/index.ts';
import { combined, type Finish, largestSize, mapped, rectified } from './convention.ts';

/**
 * torchcam 0.5 (methods.md §8.2): ReLU (not for CAM), M − min, / (max + 1e-8) at the layer's resolution. Several layers:
 * tanh(2M) for LayerCAM, bilinear resize to the largest, maximum, no further stretch (`fuse_cams`).
 */
export const torchcam: Finish = async ({ layers, relu, fusion }) => {
  const scaled = await Promise.all(layers.map(maps => normalize(relu ? rectified(maps) : maps, { kind: 'torchcam' })));
  if (scaled.length === 1) return scaled[0]!;
  const size = largestSize(layers);
  const sized = await Promise.all(
    scaled.map(maps =>
      resize(fusion === 'tanh-max' ? mapped(maps, value => Math.tanh(2 * value)) : maps, {
        ...size,
        interpolation: 'bilinear',
      }),
    ),
  );
  return combined(sized, Math.max);
};
