import { xgradCamWeights } from '../kernels/index.ts';
import { type Convention, defineMethod, gradientsOf } from './definition.ts';
import { chosen, less, sumOverPositions, weightedTerms } from './support/terms-in-graph.ts';

/** What each source adds to the denominator Σ A_k. */
const EPSILON: Record<Convention, number> = { paper: 1e-6, 'pytorch-grad-cam': 1e-7, torchcam: 1e-8 };

/** w_k = Σ G_k A_k / (Σ A_k + ε); M = ReLU(Σ_k w_k A_k). Made for activations that are not negative. */
export const xGradCam = defineMethod({
  name: 'xgrad-cam',
  title: 'XGrad-CAM',
  family: 'gradient',
  paper: 'arXiv:2008.02312',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  conventions: ['pytorch-grad-cam', 'torchcam'],
  relu: true,
  enlarged: () => 'bilinear',
  reductions: true,
  channelwise: true,
  scope: 'layer',
  compute: async (layer, { convention }) => {
    const weights = await xgradCamWeights(layer.activations, gradientsOf(layer), EPSILON[convention], {
      guard: convention === 'paper',
    });
    return { weights };
  },
  inGraph: (emit, { activations, gradients }) => {
    const product = sumOverPositions(emit, emit.mul(activations, gradients!));
    const sum = sumOverPositions(emit, activations);
    const number = (value: number) => emit.scalar(value, sum);
    const small = less(emit, emit.unary('Abs', sum), number(EPSILON.paper));
    const guard = chosen(emit, less(emit, sum, number(0)), number(EPSILON.paper), number(-EPSILON.paper));
    return weightedTerms(emit, activations, emit.div(product, chosen(emit, small, sum, guard)));
  },
});
