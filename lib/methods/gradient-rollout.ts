import type { AttentionRoll } from '../kernels/attention.ts';
import { type Fusion, ROLLOUT_PARAMS } from './attention-rollout.ts';
import { defineMethod } from './definition.ts';
import { rolledMaps } from './support/attention-rows.ts';

/**
 * Attention rollout of max(fuse over heads of A ⊙ ∂score/∂A, 0). Every attention is paired with its own gradients;
 * vit-explain pairs them in opposite order (PyTorch's hooks see gradients last block first) and gives other maps.
 */
export const gradientRollout = defineMethod({
  name: 'gradient-rollout',
  aliases: ['gradient-attention-rollout', 'paired'],
  title: 'Gradient attention rollout',
  family: 'attention',
  paper: 'https://github.com/jacobgil/vit-explain',
  needs: { activations: true, gradients: 'first', attention: 'square' },
  cost: '1F + 1B',
  params: ROLLOUT_PARAMS,
  conventions: [],
  relu: false,
  scope: 'layers',
  compute: async (layers, { params, count }) => {
    const used = layers.slice(Math.min(params.startLayer as number, layers.length - 1));
    const discard = params.discard as number;
    const roll: AttentionRoll = { fuse: params.fuse as Fusion, discard, keepFirst: false, step: 'normalized' };
    return { maps: await rolledMaps(used, count, roll) };
  },
});
