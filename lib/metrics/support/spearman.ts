import { pearsonSteps } from '../../common/pearson.ts';
import { inSteps } from '../../common/slices.ts';
import { tiedRankSteps } from '../../common/tied-ranks.ts';
import { orderPixels } from '../../kernels/pixel-order.ts';

/** Spearman's rank correlation; equal values share the mean of their ranks. null where one of the two does not vary. */
export async function spearman(a: Float32Array, b: Float32Array): Promise<number | null> {
  const [orderA, orderB] = await Promise.all([orderPixels(a), orderPixels(b)]);
  return inSteps(pearsonSteps(await inSteps(tiedRankSteps(a, orderA)), await inSteps(tiedRankSteps(b, orderB))));
}
