/** What the network's answer is read as: the target's probability, or its own score (a logit, a sum, a similarity). */
export type ScoreKind = 'probability' | 'logit';
