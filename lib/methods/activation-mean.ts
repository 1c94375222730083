import { defineMethod } from './definition.ts';

/** M = mean_k A_k: the plainest map there is, a baseline for the others. */
export const activationMean = defineMethod({
  name: 'activation-mean',
  title: 'Activation mean',
  family: 'baseline',
  paper: 'arXiv:2407.06059',
  needs: { activations: true },
  cost: '1F',
  conventions: [],
  relu: true,
  scope: 'layer',
  compute: async ({ activations }) => {
    const channels = activations.dims[1]!;
    return { weights: new Float32Array(activations.dims[0]! * channels).fill(1 / channels) };
  },
  inGraph: (emit, { activations }) => ({
    terms: emit.mul(activations, emit.scalar(1 / activations.dims[1]!, activations)),
  }),
});
