import type { AttentionRoll } from '../kernels/attention.ts';
import { defineMethod } from './definition.ts';
import { rolledMap } from './support/attention-in-graph.ts';
import { rolledMaps } from './support/attention-rows.ts';

const ROLL: AttentionRoll = { fuse: 'positive-mean', discard: 0, keepFirst: false, step: 'sum' };

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
  compute: async (layers, { count }) => ({ maps: await rolledMaps(layers, count, ROLL) }),
  inGraph: (emit, layers) => rolledMap(emit, layers, ROLL),
});
