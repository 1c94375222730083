import { BLUR } from '../../scoring/native-arguments.ts';
import { blurPicture } from '../kernels/picture-values.ts';

/** Gaussian weights for offsets −radius … radius, of sum 1. */
function gaussianWeights(radius: number, deviation: number): Float64Array {
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * deviation ** 2)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map(weight => weight / sum);
}

/** The image blurred by a Gaussian, mirrored about its border samples; each pixel on its own. */
export function blurredImage(
  { data, dims, layout }: { data: Float32Array; dims: readonly number[]; layout: 'nchw' | 'nhwc' },
  { radius, deviation }: { radius: number; deviation: number } = BLUR,
): Float32Array {
  const [channels, height, width] = (layout === 'nchw' ? dims.slice(1) : [dims[3]!, dims[1]!, dims[2]!]) as [
    number,
    number,
    number,
  ];
  const shape = { channels, height, width, channelsLast: layout === 'nhwc' };
  return blurPicture(data, shape, gaussianWeights(radius, deviation), 'reflect');
}
