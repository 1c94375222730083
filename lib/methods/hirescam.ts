import { defineMethod } from './definition.ts';

/** M = ReLU(Σ_k G_k ⊙ A_k). With one linear layer behind A the raw map sums to the logit without its bias. */
export const hiResCam = defineMethod({
  name: 'hirescam',
  aliases: ['hires-cam'],
  title: 'HiResCAM',
  family: 'gradient',
  paper: 'arXiv:2011.08891',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  conventions: ['pytorch-grad-cam'],
  relu: true,
  reductions: true,
  channelwise: true,
  scope: 'layer',
  compute: async () => ({ product: 'hirescam' }),
  inGraph: (emit, { activations, gradients }) => ({ terms: emit.mul(activations, gradients!) }),
});
