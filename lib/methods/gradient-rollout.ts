import { ROLLOUT_PARAMS, rolloutOf } from './attention-rollout.ts';
import { defineMethod } from './definition.ts';
import { rolledMap } from './support/attention-in-graph.ts';
import { fromStart, rolledMaps } from './support/attention-rows.ts';

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
    return { maps: await rolledMaps(fromStart(layers, params), count, rolloutOf(params, false)) };
  },
  inGraph: (emit, layers, params) => rolledMap(emit, fromStart(layers, params), rolloutOf(params, false)),
});
