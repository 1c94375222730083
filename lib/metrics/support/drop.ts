import type { MetricCase, MetricValue, VariantScores } from '../definition.ts';
import { scoreOf } from './score-param.ts';

/** Below this a score is none, and nothing can be divided by it. */
const LEAST_SCORE = 1e-12;

export const NO_SCORE = 'the score of the picture is zero';

/** Y and O: the scores of the picture and of its only variant. */
export function scorePair({ subject, params }: MetricCase, scores: VariantScores): readonly [y: number, o: number] {
  const kind = scoreOf(params);
  return [subject.score(kind), scores[kind][0]!];
}

/** max(0, Y − O) / |Y|; null where Y is zero. */
export function lostShare(y: number, o: number, added = 0): number | null {
  const whole = Math.abs(y);
  return whole < LEAST_SCORE ? null : Math.max(0, y - o) / (whole + added);
}

/** A share of what may be negative, or of any size, is no percentage. */
export function shareOf({ subject, params }: MetricCase, value: number | null): MetricValue {
  if (value === null) return { value, reason: NO_SCORE };
  if (subject.probable && scoreOf(params) === 'probability') return { value };
  return { value, warnings: ['it is a share of a score that is no probability: compare it within this model alone'] };
}
