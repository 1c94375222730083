import { type Fusion, ROLLOUT_PARAMS } from './attention-rollout.ts';
import { defineMethod, type LayerTensors } from './definition.ts';
import { discardLowest, type HeadMatrices, rolledMaps } from './support/attention-rows.ts';

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
    const fusion = params.fuse as Fusion;
    const used: readonly LayerTensors[] = layers.slice(Math.min(params.startLayer as number, layers.length - 1));
    const maps = await rolledMaps(
      used,
      count,
      matrices => {
        const fused = weighted(matrices, fusion);
        discardLowest(fused, params.discard as number);
        return fused;
      },
      'normalized',
    );
    return { maps };
  },
});

function weighted({ heads, tokens, attention, gradients }: HeadMatrices, fusion: Fusion): Float32Array {
  const size = tokens * tokens;
  const fused = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    let value = attention[i]! * gradients![i]!;
    for (let h = 1; h < heads; h++) {
      const product = attention[h * size + i]! * gradients![h * size + i]!;
      if (fusion === 'mean') value += product;
      else value = fusion === 'max' ? Math.max(value, product) : Math.min(value, product);
    }
    if (fusion === 'mean') value /= heads;
    fused[i] = Math.max(value, 0);
  }
  return fused;
}
