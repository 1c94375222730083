import { defineMethod } from './definition.ts';
import { type HeadMatrices, rolledMaps } from './support/attention-rows.ts';

/** R ← R + Ā R with Ā = mean over heads of max(A ⊙ ∂score/∂A, 0), from R = I; no normalisation of rows. */
export const genericAttention = defineMethod({
  name: 'generic-attention',
  aliases: ['transformer-explainability', 'generic-attention-explainability'],
  title: 'Generic attention explainability',
  family: 'attention',
  paper: 'arXiv:2103.15679',
  needs: { activations: true, gradients: 'first', attention: 'square' },
  cost: '1F + 1B',
  conventions: [],
  relu: false,
  scope: 'layers',
  compute: async (layers, { count }) => ({ maps: await rolledMaps(layers, count, positiveMean, 'sum') }),
});

function positiveMean({ heads, tokens, attention, gradients }: HeadMatrices): Float32Array {
  const size = tokens * tokens;
  const fused = new Float32Array(size);
  for (let h = 0; h < heads; h++)
    for (let i = 0; i < size; i++) {
      const product = attention[h * size + i]! * gradients![h * size + i]!;
      if (product > 0) fused[i]! += product / heads;
      else if (Number.isNaN(product)) fused[i] = product;
    }
  return fused;
}
