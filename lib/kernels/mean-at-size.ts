import { addon } from '../engine/addon.ts';
import { type Answer, steady } from './native-kernels.ts';
import type { Maps } from './types.ts';

interface MeanKernel {
  meanAtSize(
    stacks: readonly Float32Array[],
    sides: Float64Array,
    count: number,
    height: number,
    width: number,
  ): Answer<Float32Array>;
}

/**
 * The mean of stacks [N, h, w] of several sizes, each enlarged to one size first (bilinear, half-pixel): [N, H, W].
 * @throws `ERR_INPUT_SHAPE` where a stack does not hold N maps
 */
export async function meanAtSize(
  stacks: readonly Maps[],
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Maps> {
  const count = stacks[0]?.dims[0] ?? 0;
  const sides = Float64Array.from(stacks.flatMap(({ dims }) => dims.slice(1)));
  const values = stacks.map(({ data }) => steady(data));
  const data = await addon<MeanKernel>().meanAtSize(values, sides, count, height, width);
  return { data, dims: [count, height, width] };
}
