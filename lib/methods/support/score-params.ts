import type { MethodNeeds, ParamSpec, ParamValues } from '../definition.ts';

const RANKS = ['deviation', 'gradient', 'maximum'] as const;
/** By what channels are ranked when only some are run. */
export type Rank = (typeof RANKS)[number];

export const CHANNEL_PARAMS = {
  topK: {
    type: 'integer',
    min: 1,
    description: 'run only the k channels that rank highest; the map is made of them alone (default: all)',
  },
  rank: {
    type: 'string',
    values: RANKS,
    default: 'deviation',
    description:
      'what topK ranks by: the standard deviation of the activations, the size of the Grad-CAM weight, or the maximum',
  },
} as const satisfies Record<string, ParamSpec>;

export const DEDUPE_PARAM = {
  type: 'boolean',
  default: true,
  description: 'run changes that give the same input only once; the map stays the same',
} as const satisfies ParamSpec;

/** Ranking by gradient needs it. */
export function needsOfRank({ topK, rank }: ParamValues): Partial<MethodNeeds> {
  return topK !== undefined && rank === 'gradient' ? { gradients: 'first' } : {};
}
