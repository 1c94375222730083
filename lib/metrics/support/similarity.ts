import { pearson } from '../../common/pearson.ts';
import type { MetricCase } from '../definition.ts';
import { spearman } from './spearman.ts';
import { ssim, ssimOfLine } from './ssim.ts';

/** What is wrong with a map that cannot be compared with another. */
export function whyIncomparable(data: Float32Array): string | null {
  let varies = false;
  for (const value of data) {
    if (!Number.isFinite(value)) return 'is not finite';
    if (value !== data[0]) varies = true;
  }
  return varies ? null : 'is the same everywhere';
}

export type Similarity = 'spearman' | 'ssim' | 'ssim-of-line' | 'pearson';

/** Of two maps that vary; null where it has none (SSIM of maps that are narrower than two pixels). */
export async function similarityOf(
  kind: Similarity,
  a: Float32Array,
  b: Float32Array,
  { width, height }: Pick<MetricCase['map'], 'width' | 'height'>,
): Promise<number | null> {
  if (kind === 'spearman') return spearman(a, b);
  if (kind === 'pearson') return pearson(a, b);
  return kind === 'ssim' ? ssim(a, b, width, height) : ssimOfLine(a, b);
}
