import { quantileAt } from '../common/quantile.ts';
import { orderPixels } from '../kernels/pixel-order.ts';

/**
 * NumPy's quantile of float32 values, rounded to float32 as NumPy gives it.
 * @param q in [0, 1]
 */
export async function quantileOf(data: Float32Array, q: number): Promise<number> {
  const order = await orderPixels(data);
  return Math.fround(quantileAt(data.length, rank => data[order[data.length - 1 - rank]!]!, q));
}
