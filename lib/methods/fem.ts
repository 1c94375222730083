import { femWeights } from '../kernels/index.ts';
import { defineMethod } from './definition.ts';
import { meanOverPositions, weightedTerms } from './support/terms-in-graph.ts';

/** A variance below this part of the squared mean is rounding (native/kernels/reduce/fem.cpp). */
const CONSTANT = 1e-12;

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
  inGraph: (emit, { activations }, { k }) => {
    const mean = meanOverPositions(emit, activations);
    const apart = emit.sub(activations, mean);
    // What a mean in float32 is off by.
    const shift = meanOverPositions(emit, apart);
    const squares = meanOverPositions(emit, emit.mul(apart, apart));
    const variance = emit.unary('Relu', emit.sub(squares, emit.mul(shift, shift)));
    const threshold = emit.add(shift, emit.mul(emit.unary('Sqrt', variance), emit.scalar(k as number, mean)));
    // A channel whose values differ by rounding alone has none above the others.
    const varies = emit.greater(variance, emit.mul(emit.mul(mean, mean), emit.scalar(CONSTANT, mean)));
    const share = meanOverPositions(emit, emit.greater(apart, threshold));
    return weightedTerms(emit, activations, emit.mul(share, varies));
  },
});
