import { gradientProduct, normalize, resize } from '../kernels/index.ts';
import { combined, largestSize } from './conventions/convention.ts';
import { defineMethod, gradientsOf } from './definition.ts';

/**
 * S_l = Σ_k G_k ⊙ A_k of every stage, ReLU, scaled by its range; from the deepest to the shallowest the map so far is
 * enlarged and the larger value kept. Of a single layer it is HiResCAM.
 */
export const zoomCam = defineMethod({
  name: 'zoom-cam',
  title: 'Zoom-CAM',
  family: 'gradient',
  paper: 'arXiv:2010.08644',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  conventions: [],
  relu: true,
  compute: async () => ({ product: 'hirescam' }),
  computeLayers: async layers => {
    const sums = await Promise.all(
      layers.map(layer => gradientProduct(layer.activations, gradientsOf(layer), 'hirescam')),
    );
    if (sums.length === 1) return { maps: sums[0]! };
    // A layer without positive values becomes zeros, which the maximum passes over.
    const scaled = await Promise.all(sums.map(maps => normalize(maps, { kind: 'range', relu: true })));
    let fused = scaled.at(-1)!;
    for (const maps of scaled.slice(0, -1).reverse()) {
      const size = largestSize([maps, fused]);
      const [own, enlarged] = await Promise.all(
        [maps, fused].map(one => resize(one, { ...size, interpolation: 'bilinear' })),
      );
      fused = combined([own!, enlarged!], Math.max);
    }
    return { maps: fused };
  },
});
