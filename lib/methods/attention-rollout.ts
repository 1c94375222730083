import { defineMethod, type ParamSpec } from './definition.ts';
import { discardLowest, type HeadMatrices, rolledMaps } from './support/attention-rows.ts';

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
    const fusion = params.fuse as Fusion;
    const used = layers.slice(Math.min(params.startLayer as number, layers.length - 1));
    const maps = await rolledMaps(
      used,
      layers[0]!.activations.dims[0]!,
      matrices => {
        const fused = fuseHeads(matrices, fusion);
        // vit-explain never discards the first entry, the class token's attention to itself.
        discardLowest(fused, params.discard as number, 0);
        return fused;
      },
      'normalized',
    );
    return { maps };
  },
});

function fuseHeads({ heads, tokens, attention }: HeadMatrices, fusion: Fusion): Float32Array {
  const size = tokens * tokens;
  const fused = attention.slice(0, size);
  for (let h = 1; h < heads; h++) {
    const head = attention.subarray(h * size, (h + 1) * size);
    if (fusion === 'mean') for (let i = 0; i < size; i++) fused[i]! += head[i]!;
    else if (fusion === 'max') for (let i = 0; i < size; i++) fused[i] = Math.max(fused[i]!, head[i]!);
    else for (let i = 0; i < size; i++) fused[i] = Math.min(fused[i]!, head[i]!);
  }
  if (fusion === 'mean') for (let i = 0; i < size; i++) fused[i]! /= heads;
  return fused;
}
