import { reduce, sliceAxis } from '../autodiff/forms.ts';
import type { Value } from '../autodiff/value.ts';
import { attentionGradCam as gradCamOfHeads } from '../kernels/attention.ts';
import { defineMethod, gradientsOf } from './definition.ts';
import { atPatches, patchesOf } from './support/attention-in-graph.ts';
import { classRow, nth, tokensOf } from './support/attention-rows.ts';

/**
 * Grad-CAM on the class token's attention to the patches in the last block (the baseline of arXiv:2012.09838): heads take
 * the place of channels, M = mean over heads of ⟨∂score/∂A⟩·A. Where the head reads no class token the rows of all are averaged.
 */
export const attentionGradCam = defineMethod({
  name: 'attention-grad-cam',
  title: 'Attention Grad-CAM',
  family: 'attention',
  paper: 'arXiv:2012.09838',
  needs: { activations: true, gradients: 'first', attention: 'last' },
  cost: '1F + 1B',
  conventions: [],
  relu: true,
  scope: 'layer',
  compute: async (layer, { count }) => {
    const { grid, prefix } = tokensOf(layer);
    const [height, width] = grid;
    const patches = height * width;
    const gradients = gradientsOf(layer);
    const [heads, queries, keys] = layer.activations.dims.slice(1) as [number, number, number];
    const rows = classRow(layer) ? 1 : queries;
    const data = new Float32Array(count * patches);
    for (let n = 0; n < count; n++) {
      const own = [nth(layer.activations, n), nth(gradients, n)] as const;
      const map = await gradCamOfHeads(...own, [heads, queries, keys], rows, { prefix, count: patches });
      data.set(map, n * patches);
    }
    return { maps: { data, dims: [count, height, width] } };
  },
  inGraph: (emit, layer) => {
    const row = (x: Value) => (classRow(layer) ? sliceAxis(emit, x, 2, 0, 1) : reduce(emit, 'ReduceMean', x, [2]));
    const weights = reduce(emit, 'ReduceMean', patchesOf(emit, row(layer.gradients!), layer), [3]);
    const mean = reduce(emit, 'ReduceMean', emit.mul(row(layer.activations), weights), [1]);
    return { map: atPatches(emit, emit.reshape(mean, mean.dims.toSpliced(1, 1)), layer) };
  },
});
