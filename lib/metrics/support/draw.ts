import { Random } from '../../common/random.ts';

/** Numbers that depend on seed, image, metric and sample alone: not on what else is measured, in which order or batch. */
export function drawOf(
  subject: { readonly seed: number; readonly index: number },
  metric: string,
  sample: number,
): Random {
  const text = `${subject.seed} ${subject.index} ${metric} ${sample}`;
  // FNV-1a.
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return new Random(hash >>> 0);
}
