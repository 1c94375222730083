import { weightedSum } from '../kernels/index.ts';
import { changeValues } from '../kernels/map-values.ts';
import { MASK_LOSSES, MASK_NORMALIZATIONS, type MaskLoss, type MaskNormalization } from '../scoring/mask-optimizer.ts';
import { softmax } from '../targets/score.ts';
import { defineMethod, optimizerOf } from './definition.ts';

/**
 * The weights u whose mask S(u) = n(U(Σ_k softmax(u)_k max(A_k, 0))) keeps the score: u minimises f(x) − f(x ⊙ S(u)) by
 * gradient steps through the whole network. x is the picture before its mean and standard deviation are taken, so that
 * what is masked is black. M = Σ_k softmax(u)_k max(A_k, 0); the map is stretched at the input's resolution.
 */
export const optiCam = defineMethod({
  name: 'opti-cam',
  title: 'Opti-CAM',
  family: 'score',
  paper: 'arXiv:2301.07002',
  needs: { activations: true, optimizer: true },
  cost: '1F + n(F + B)',
  params: {
    n: { type: 'integer', default: 50, min: 1, description: 'optimisation steps at most' },
    lr: { type: 'number', default: 0.1, min: 0, description: 'learning rate of Adam' },
    loss: {
      type: 'string',
      values: MASK_LOSSES,
      default: 'plain',
      description: "what is made small: the score's drop, or its absolute value",
    },
    normalization: {
      type: 'string',
      values: MASK_NORMALIZATIONS,
      default: 'min-max',
      description: 'how the weighted sum becomes a mask while it is optimised',
    },
  },
  conventions: [],
  relu: true,
  enlarged: () => 'bilinear',
  scope: 'layer',
  compute: async ({ activations }, context) => {
    const { n, lr, loss, normalization } = context.params;
    const channels = activations.dims[1]!;
    const u = await optimizerOf(context).optimize({
      steps: n as number,
      learningRate: lr as number,
      loss: loss as MaskLoss,
      normalization: normalization as MaskNormalization,
    });
    const weights = new Float32Array(u.length);
    for (let row = 0; row < u.length; row += channels) weights.set(softmax(u.subarray(row, row + channels)), row);
    const rectified = { data: await changeValues(activations.data, 'positive'), dims: activations.dims };
    return { maps: await weightedSum(rectified, weights) };
  },
});
