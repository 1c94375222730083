import { defineMethod, gradientsOf, type LayerTensors } from './definition.ts';
import { classRow, tokensOf } from './support/attention-rows.ts';

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
    const data = new Float32Array(count * patches);
    for (let n = 0; n < count; n++) {
      const attention = patchRows(layer, 'activations', n);
      const gradients = patchRows(layer, 'gradients', n);
      attention.forEach((row, head) => {
        const weight = gradients[head]!.reduce((sum, value) => sum + value, 0) / patches / attention.length;
        for (let p = 0; p < patches; p++) data[n * patches + p]! += weight * row[p]!;
      });
    }
    return { maps: { data, dims: [count, height, width] } };

    /** For each head the row of the class token, or the mean of all rows, at the patches. */
    function patchRows({ activations }: LayerTensors, which: 'activations' | 'gradients', n: number): Float64Array[] {
      const { data: values, dims } = which === 'activations' ? activations : gradientsOf(layer);
      const [images, heads, queries, keys] = dims as [number, number, number, number];
      const rows = classRow(layer) ? 1 : queries;
      return Array.from({ length: heads }, (_, head) => {
        const mean = new Float64Array(patches);
        for (let q = 0; q < rows; q++) {
          const start = (((n % images) * heads + head) * queries + q) * keys + prefix;
          for (let p = 0; p < patches; p++) mean[p]! += values[start + p]! / rows;
        }
        return mean;
      });
    }
  },
});
