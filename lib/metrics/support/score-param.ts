import type { MetricParam, MetricParams } from '../definition.ts';
import type { ScoreKind } from '../score-kind.ts';

/** Of all metrics that read scores. */
export const SCORE: MetricParam = {
  type: 'string',
  values: ['probability', 'logit'],
  default: 'probability',
  description: "what is read: the target's probability (of targets without one their own score), or its logit",
};

export const scoreOf = (params: MetricParams): ScoreKind => params.score as ScoreKind;
