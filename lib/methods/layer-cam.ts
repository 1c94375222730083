import { defineMethod } from './definition.ts';

/** M = ReLU(Σ_k ReLU(G_k) ⊙ A_k). Several layers are joined by their maximum, the shallow ones scaled by tanh(2·map). */
export const layerCam = defineMethod({
  name: 'layer-cam',
  title: 'LayerCAM',
  family: 'gradient',
  paper: 'doi:10.1109/TIP.2021.3089943',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  conventions: ['pytorch-grad-cam', 'torchcam'],
  relu: true,
  enlarged: () => 'bilinear',
  fusion: 'tanh-max',
  reductions: true,
  channelwise: true,
  scope: 'layer',
  compute: async () => ({ product: 'layercam' }),
  inGraph: (emit, { activations, gradients }) => ({ terms: emit.mul(activations, emit.unary('Relu', gradients!)) }),
});
