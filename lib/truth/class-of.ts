import { OnnxCamError } from '../common/errors.ts';
import type { Labels } from '../targets/labels.ts';
import type { TruthLabel } from './truth.ts';

/**
 * The model's class that a label of the truth names: an index, a label or one of its synonyms, an index in digits where no label is
 * written so. Nothing where it is none of the model's, or several of them.
 */
export function classOf(label: TruthLabel, labels: Labels | undefined): number | undefined {
  if (typeof label === 'number') return label;
  try {
    const found = labels?.indexOf(label);
    if (found !== undefined) return found;
  } catch (error) {
    if (!(error instanceof OnnxCamError && error.code === 'ERR_TARGET_UNKNOWN')) throw error;
  }
  return /^\d{1,9}$/.test(label) ? Number(label) : undefined;
}
