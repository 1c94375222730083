import type { ResolvedTarget, ScoreTerm } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import type { ScoreView } from '../targets/target.ts';

/** What a target reads from every run: its terms with ranks settled on the unchanged image's classes. */
export type SettledTarget = Pick<ResolvedTarget, 'terms' | 'classification'>;

/** 'top1' means the class that is on top for the unchanged image, in every run. */
export function settleTargets(targets: readonly ResolvedTarget[], row: ScoreRow): SettledTarget[] {
  return targets.map(({ terms, classification }) => ({
    classification,
    terms: terms.map(term => ({ ...term, index: row.classOf(term.index) })),
  }));
}

/**
 * The terms a method reads that wants `view` (a probability, say) where the user named none: terms left at the logit
 * take it, others stay as chosen. Regression values have no other view.
 */
export function termsIn(target: SettledTarget, view: ScoreView | undefined): readonly ScoreTerm[] {
  if (view === undefined || view === 'logit' || !target.classification) return target.terms;
  return target.terms.map(term => (term.view === 'logit' ? { ...term, view } : term));
}
