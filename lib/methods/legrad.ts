import { reduce } from '../autodiff/forms.ts';
import { positiveRows } from '../kernels/attention.ts';
import { defineMethod, gradientsOf } from './definition.ts';
import { atPatches } from './support/attention-in-graph.ts';
import { fromStart, nth, tokensOf } from './support/attention-rows.ts';

/**
 * M = mean over blocks of E_l, E_l = mean over heads and queries of max(∂s_l/∂A_l, 0) at the patches; s_l is the score that
 * the network's head gives to the mean of block l's own tokens. The attention itself is not multiplied in.
 */
export const leGrad = defineMethod({
  name: 'legrad',
  title: 'LeGrad',
  family: 'attention',
  paper: 'arXiv:2404.03214',
  needs: { activations: true, gradients: 'block', attention: 'square' },
  cost: '1F + L·B',
  params: {
    startLayer: { type: 'integer', default: 0, min: 0, description: 'first attention that takes part, counted from 0' },
  },
  conventions: ['torchcam'],
  relu: false,
  scope: 'layers',
  compute: async (layers, { params, count }) => {
    const { grid, prefix } = tokensOf(layers[0]!);
    const [height, width] = grid;
    const patches = height * width;
    const used = fromStart(layers, params);
    const sums = new Float64Array(count * patches);
    for (const layer of used) {
      const gradients = gradientsOf(layer);
      const [, heads, queries, keys] = gradients.dims as [number, number, number, number];
      const scale = 1 / (heads * queries * used.length);
      for (let n = 0; n < count; n++) {
        const own = await positiveRows(nth(gradients, n), keys, { prefix, count: patches });
        for (let p = 0; p < patches; p++) sums[n * patches + p]! += own[p]! * scale;
      }
    }
    return { maps: { data: Float32Array.from(sums), dims: [count, height, width] } };
  },
  inGraph: (emit, layers, params) => {
    const used = fromStart(layers, params);
    const means = used.map(({ gradients }) => reduce(emit, 'ReduceMean', emit.unary('Relu', gradients!), [1, 2]));
    const mean = emit.mul(
      means.reduce((sum, one) => emit.add(sum, one)),
      emit.scalar(1 / used.length, means[0]!),
    );
    return atPatches(emit, emit.reshape(mean, mean.dims.toSpliced(1, 1)), layers[0]!);
  },
});
