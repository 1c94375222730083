import { resize } from '../kernels/index.ts';
import { combineMaps, scaleByMaximum } from '../kernels/map-values.ts';
import { largestSize } from './conventions/convention.ts';
import { defineMethod } from './definition.ts';
import { layerMaps } from './support/layer-maps.ts';

/**
 * S_l = Σ_k G_k ⊙ A_k of every stage, ReLU, scaled by its maximum; from the deepest to the shallowest the map so far is
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
  scope: 'layers',
  smooths: true,
  compute: async (layers, { params, signal }) => {
    const sums = await Promise.all(
      layers.map(layer => layerMaps(layer, { product: 'hirescam' }, params.eigenSmooth === true, signal)),
    );
    if (sums.length === 1) return { maps: sums[0]! };
    // A layer without positive values becomes zeros, which the maximum passes over.
    const stages = await Promise.all(sums.map(scaleByMaximum));
    let fused = stages.at(-1)!;
    for (const maps of stages.slice(0, -1).reverse()) {
      const size = largestSize([maps, fused]);
      const [own, enlarged] = await Promise.all(
        [maps, fused].map(one => resize(one, { ...size, interpolation: 'bilinear' })),
      );
      fused = await combineMaps([own!, enlarged!], 'maximum');
    }
    return { maps: fused };
  },
});
