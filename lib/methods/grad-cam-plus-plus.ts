import type { Emitter } from '../autodiff/emitter.ts';
import type { Value } from '../autodiff/value.ts';
import { gradCamPlusPlusWeights, type PlusPlusMode } from '../kernels/index.ts';
import { defineMethod, gradientsOf } from './definition.ts';
import { chosen, less, meanOverPositions, sumOverPositions, weightedTerms } from './support/terms-in-graph.ts';

/**
 * α = G² / (2G² + (Σ A) G³), w_k = Σ α·ReLU(G); M = ReLU(Σ_k w_k A_k). The modes differ in ε and in torchcam's
 * division, which has no effect there (docs/methods.md#grad-cam-pp).
 */
export const gradCamPlusPlus = defineMethod({
  name: 'grad-cam++',
  title: 'Grad-CAM++',
  family: 'gradient',
  paper: 'arXiv:1710.11063',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  params: {
    mode: {
      type: 'string',
      values: ['paper', 'pgc', 'torchcam'],
      default: 'paper',
      defaults: { 'pytorch-grad-cam': 'pgc', torchcam: 'torchcam' },
      description: "whose weights: the paper's, pytorch-grad-cam's or torchcam's",
    },
  },
  conventions: ['pytorch-grad-cam', 'torchcam'],
  relu: true,
  reductions: true,
  channelwise: true,
  scope: 'layer',
  compute: async (layer, { params }) => ({
    weights: await gradCamPlusPlusWeights(layer.activations, gradientsOf(layer), params.mode as PlusPlusMode),
  }),
  inGraph: (emit, { activations, gradients }, { mode }) => {
    const terms = plusPlusTerms(emit, activations, emit.unary('Relu', gradients!), mode as PlusPlusMode);
    // The mean in the place of the sum, which a lazy gradient has not the positions for: maps are stretched.
    return weightedTerms(emit, activations, meanOverPositions(emit, terms));
  },
});

/** α·g of gradients that are not negative, as native/kernels/reduce/gradient_weights.inl has it; 0 where α's denominator vanishes. */
function plusPlusTerms(emit: Emitter, activations: Value, g: Value, mode: PlusPlusMode): Value {
  const square = emit.mul(g, g);
  const cube = emit.mul(square, g);
  if (mode === 'torchcam') return cube;
  const sum = sumOverPositions(emit, activations);
  const number = (value: number) => emit.scalar(value, g);
  const [numerator, denominator] =
    mode === 'paper'
      ? [g, emit.add(emit.mul(sum, g), number(2))]
      : [cube, emit.add(emit.add(emit.mul(square, number(2)), emit.mul(sum, cube)), number(1e-6))];
  const vanishes = less(emit, emit.unary('Abs', denominator), number(1e-12));
  return emit.div(chosen(emit, vanishes, numerator, number(0)), chosen(emit, vanishes, denominator, number(1)));
}
