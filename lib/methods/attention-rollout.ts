import type { AttentionRoll } from '../kernels/attention.ts';
import { defineMethod, type ParamSpec, type ParamValues } from './definition.ts';
import { rolledMap } from './support/attention-in-graph.ts';
import { fromStart, rolledMaps } from './support/attention-rows.ts';

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

type Fusion = 'mean' | 'max' | 'min';

/** vit-explain never discards the first entry of plain attention, the class token's to itself. */
export function rolloutOf({ fuse, discard }: ParamValues, keepFirst: boolean): AttentionRoll {
  return { fuse: fuse as Fusion, discard: discard as number, keepFirst, step: 'normalized' };
}

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
    const count = layers[0]!.activations.dims[0]!;
    return { maps: await rolledMaps(fromStart(layers, params), count, rolloutOf(params, true)) };
  },
  inGraph: (emit, layers, params) => rolledMap(emit, fromStart(layers, params), rolloutOf(params, true)),
});
