import { defineMethod } from './definition.ts';

/** M = Σ_k ReLU(G_k ⊙ A_k), as pytorch-grad-cam defines it; there is no paper. */
export const gradCamElementwise = defineMethod({
  name: 'grad-cam-elementwise',
  aliases: ['grad-cam-element-wise'],
  title: 'Grad-CAM element-wise',
  family: 'gradient',
  paper: 'pytorch-grad-cam',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  conventions: ['pytorch-grad-cam'],
  relu: true,
  reductions: true,
  channelwise: true,
  scope: 'layer',
  compute: async () => ({ product: 'elementwise' }),
  inGraph: (emit, { activations, gradients }) => ({ terms: emit.unary('Relu', emit.mul(activations, gradients!)) }),
});
