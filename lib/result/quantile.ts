import { orderPixels } from '../kernels/pixel-order.ts';

/**
 * NumPy's quantile of float32 values, method linear: at q · (n − 1) of the ascending order, between the two neighbours, rounded to
 * float32 as NumPy gives it.
 * @param q in [0, 1]
 */
export async function quantileOf(data: Float32Array, q: number): Promise<number> {
  const order = await orderPixels(data);
  const position = q * (data.length - 1);
  const below = Math.floor(position);
  const at = (rank: number) => data[order[data.length - 1 - rank]!]!;
  const low = at(below);
  const high = at(Math.min(below + 1, data.length - 1));
  return Math.fround(low + (high - low) * (position - below));
}
