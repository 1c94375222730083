import { invalid } from '../common/checks.ts';
import { addon } from '../engine/addon.ts';
import { type Answer, steady } from './native-kernels.ts';

interface OrderKernel {
  /** 1 in the result: the map holds a NaN, and `order` was not filled. */
  pixelOrder(map: Float32Array, count: number, order: Uint32Array): Answer<Float32Array>;
}

/**
 * Pixel numbers of a map from its largest value to its smallest; equal ones (−0 and 0 are equal) in ascending order. The map
 * must not change until the promise settles.
 * @throws `ERR_OPTION_INVALID` for a map with a NaN: it has no order
 */
export async function orderPixels(map: Float32Array): Promise<Uint32Array> {
  const order = new Uint32Array(map.length);
  if (map.length === 0) return order;
  const [broken] = await addon<OrderKernel>().pixelOrder(steady(map), map.length, order);
  if (broken) throw invalid('a map with values that are no numbers (NaN) has no order of its pixels');
  return order;
}
