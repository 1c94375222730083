import { normalize, resize } from '../../kernels/index.ts';
import { combined, type Finish, largestSize, mapped, rectified } from './convention.ts';

/**
 * ReLU, then (M − min)/(max − min) at the layer's resolution. Several layers are resized (bilinear, half-pixel) to the
 * largest one and joined: by their mean, or for LayerCAM by the maximum of tanh(2M) (its paper, section III-C).
 */
export const paper: Finish = async ({ layers, relu, fusion }) => {
  const scaled = await Promise.all(layers.map(maps => normalize(relu ? rectified(maps) : maps, { kind: 'range' })));
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
  if (fusion === 'tanh-max') return combined(sized, Math.max);
  return mapped(
    combined(sized, (a, b) => a + b),
    value => value / sized.length,
  );
};
