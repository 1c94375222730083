import type { AttentionRoll } from '../kernels/attention.ts';
import { defineMethod, type ParamSpec } from './definition.ts';
import { rolledMaps } from './support/attention-rows.ts';

export const ROLLOUT_PARAMS = {
  fuse: {
    type: 'string',
    values: ['mean', 'max', 'min'],
    default: 'mean',
    description: 'how the matrices of the heads become one',
  },
  discard: {
    type: 'number',
    default: 0,
    min: 0,
    max: 1,
    description: 'share of the lowest entries of each fused matrix that is set to zero (vit-explain: 0.9)',
  },
  startLayer: { type: 'integer', default: 0, min: 0, description: 'first attention that takes part, counted from 0' },
} as const satisfies Record<string, ParamSpec>;

export type Fusion = 'mean' | 'max' | 'min';

/** R = Â_L … Â_1 with Â = rownorm(fuse(heads) + I); the map is what the class token gathers from the patches. */
export const attentionRollout = defineMethod({
  name: 'attention-rollout',
  aliases: ['rollout'],
  title: 'Attention rollout',
  family: 'attention',
  paper: 'arXiv:2005.00928',
  needs: { activations: true, attention: 'square' },
  cost: '1F',
  params: ROLLOUT_PARAMS,
  conventions: [],
  relu: false,
  scope: 'layers',
  compute: async (layers, { params }) => {
    const used = layers.slice(Math.min(params.startLayer as number, layers.length - 1));
    const discard = params.discard as number;
    // vit-explain never discards the first entry, the class token's attention to itself.
    const roll: AttentionRoll = { fuse: params.fuse as Fusion, discard, keepFirst: true, step: 'normalized' };
    return { maps: await rolledMaps(used, layers[0]!.activations.dims[0]!, roll) };
  },
});
