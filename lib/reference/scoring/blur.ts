import { BLUR } from '../../scoring/native-arguments.ts';

/** Position `i` mirrored into [0, count) about the border samples. */
export function mirrored(i: number, count: number): number {
  if (count === 1) return 0;
  const period = 2 * (count - 1);
  const within = ((i % period) + period) % period;
  return within < count ? within : period - within;
}

/** Gaussian weights for offsets −radius … radius, of sum 1. */
export function gaussianWeights(radius: number, deviation: number): Float64Array {
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
  const indexOf = (c: number, y: number, x: number) =>
    layout === 'nchw' ? (c * height + y) * width + x : (y * width + x) * channels + c;
  const weights = gaussianWeights(radius, deviation);
  const blurred = new Float32Array(data.length);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (const [i, wy] of weights.entries())
          for (const [j, wx] of weights.entries())
            sum += wy * wx * data[indexOf(c, mirrored(y + i - radius, height), mirrored(x + j - radius, width))]!;
        blurred[indexOf(c, y, x)] = sum;
      }
  return blurred;
}
