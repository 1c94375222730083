import { femWeights } from '../kernels/index.ts';
import { defineMethod } from './definition.ts';

/** w_k = share of positions above μ_k + kσ_k; M = Σ_k w_k A_k. Depends on no class. */
export const fem = defineMethod({
  name: 'fem',
  title: 'FEM',
  family: 'statistics',
  paper: 'HAL:hal-02963298',
  needs: { activations: true },
  cost: '1F',
  params: { k: { type: 'number', default: 2, min: 0, description: 'standard deviations above the mean' } },
  conventions: ['pytorch-grad-cam'],
  relu: true,
  scope: 'layer',
  compute: async ({ activations }, { params }) => ({ weights: await femWeights(activations, params.k as number) }),
});
