import { OnnxCamError } from '../common/errors.ts';
import type { ResolvedTarget, ScoreTerm } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import { defineMethod, type MethodChoice } from './definition.ts';
import { baseParam, computeBase } from './support/bases.ts';

const MODES = ['paper', 'pgc', 'torchcam'] as const;
type Mode = (typeof MODES)[number];

/** How much of the references is subtracted. */
const ALPHA: Record<Mode, number> = { paper: 0.6, pgc: 1, torchcam: 0.6 };
/** What pytorch-grad-cam adds to the sum of the references' probabilities. */
const EPSILON = 1e-9;

/** The classes whose logits lie nearest to the target's, nearest first; of equally near ones the lower index first. */
function nearestClasses({ logits }: ScoreRow, target: number, count: number): number[] {
  const distance = (index: number): number => Math.abs(logits[index]! - logits[target]!);
  return Array.from({ length: logits.length }, (_, index) => index)
    .filter(index => index !== target)
    .sort((a, b) => distance(a) - distance(b) || a - b)
    .slice(0, count);
}

/** What is compared with what, and how. */
interface Contrast {
  readonly row: ScoreRow;
  readonly target: number;
  readonly references: readonly number[];
  readonly alpha: number;
}

/** y = Σ_d p_d (z_t − α z_d) / (Σ_d p_d + ε) over the references d. */
function weightedContrast({ row, target, references, alpha }: Contrast): { readonly y: number; readonly sum: number } {
  const p = references.map(d => row.probability(d));
  const sum = p.reduce((total, one) => total + one, EPSILON);
  const margins = references.map((d, i) => p[i]! * (row.logits[target]! - alpha * row.logits[d]!));
  return { y: margins.reduce((total, one) => total + one, 0) / sum, sum };
}

/**
 * ∂y/∂z of the weighted contrast; the probabilities p are differentiated too. With s = Σ p_d and q_d = z_t − α z_d:
 * ∂y/∂p_d = (q_d − y)/(s + ε), and ∂p_d/∂z_j = p_d (δ_dj − p_j).
 */
function weightedSlopes(contrast: Contrast): Float64Array {
  const { row, target, references, alpha } = contrast;
  const { logits } = row;
  const p = Float64Array.from(logits, (_, j) => row.probability(j));
  const { y, sum } = weightedContrast(contrast);
  const slopes = new Map(references.map(d => [d, (logits[target]! - alpha * logits[d]! - y) / sum]));
  const mean = references.reduce((total, d) => total + p[d]! * slopes.get(d)!, 0);
  const gradient = Float64Array.from(logits, (_, j) => p[j]! * ((slopes.get(j) ?? 0) - mean));
  for (const d of references) {
    gradient[target]! += p[d]! / sum;
    gradient[d]! -= (alpha * p[d]!) / sum;
  }
  return gradient;
}

/** z_t − α·mean z_d as terms. */
function plainTerms({ target, references, alpha }: Contrast): ScoreTerm[] {
  const others = references.map((d): ScoreTerm => ({ view: 'logit', index: d, weight: -alpha / references.length }));
  return [{ view: 'logit', index: target, weight: 1 }, ...others];
}

function contrastOf(row: ScoreRow, { terms }: ResolvedTarget, { params }: MethodChoice) {
  const target = terms[0]!.index;
  const mode = params.mode as Mode;
  const alpha = (params.alpha as number | undefined) ?? ALPHA[mode];
  return { mode, row, target, references: nearestClasses(row, target, params.references as number), alpha };
}

/**
 * Another method's map of the contrast between the target's class and those most like it: y = z_t − α·mean z_d, or
 * pytorch-grad-cam's mean weighted by the references' probabilities.
 */
export const finerCam = defineMethod({
  name: 'finer-cam',
  title: 'Finer-CAM',
  family: 'gradient',
  paper: 'arXiv:2501.11309',
  needs: { activations: true, gradients: 'first' },
  cost: '2F + 1B',
  params: {
    mode: {
      type: 'string',
      values: MODES,
      default: 'paper',
      defaults: { 'pytorch-grad-cam': 'pgc', torchcam: 'torchcam' },
      description:
        "whose contrast: the plain mean over the references (paper, torchcam) or pytorch-grad-cam's, weighted by probability",
    },
    alpha: { type: 'number', min: 0, description: 'strength of the contrast (default: 0.6; in mode pgc 1)' },
    references: { type: 'integer', default: 3, min: 1, description: 'how many of the nearest classes to compare with' },
    base: baseParam('grad-cam'),
  },
  conventions: ['pytorch-grad-cam', 'torchcam'],
  relu: true,
  ownScore: {
    check: ({ terms }, classes) => {
      const [term, ...more] = terms;
      if (!term || more.length > 0 || term.view !== 'logit' || term.weight !== 1 || classes < 2)
        throw new OnnxCamError(
          'ERR_METHOD_UNSUPPORTED',
          `finer-cam compares one class with others: it takes a class as target, of a model with several classes`,
        );
    },
    value: (row, target, choice) => {
      const contrast = contrastOf(row, target, choice);
      return contrast.mode === 'pgc' ? weightedContrast(contrast).y : row.score({ terms: plainTerms(contrast) });
    },
    terms: (row, target, choice) => {
      const contrast = contrastOf(row, target, choice);
      if (contrast.mode !== 'pgc') return plainTerms(contrast);
      return Array.from(weightedSlopes(contrast), (weight, index): ScoreTerm => ({ view: 'logit', index, weight }));
    },
  },
  scope: 'layer',
  compute: computeBase,
});
