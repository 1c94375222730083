import { resize } from '../kernels/index.ts';
import type { Maps } from '../kernels/types.ts';
import { combined, largestSize } from './conventions/convention.ts';
import { defineMethod } from './definition.ts';
import { layerMaps } from './support/layer-maps.ts';

/**
 * (M − min M) / max M of max(M, 0), as the official code has it: zeros where nothing is positive. A map with a NaN becomes
 * all NaN.
 */
function scaled(maps: Maps): Maps {
  const [count] = maps.dims;
  const size = maps.data.length / count;
  const data = maps.data.map(value => Math.max(value, 0));
  for (let n = 0; n < count; n++) {
    const map = data.subarray(n * size, (n + 1) * size);
    const min = map.reduce((least, value) => Math.min(least, value));
    const max = map.reduce((most, value) => Math.max(most, value));
    for (let i = 0; i < size; i++) map[i] = max === 0 ? 0 : (map[i]! - min) / max;
  }
  return { ...maps, data };
}

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
    const stages = sums.map(scaled);
    let fused = stages.at(-1)!;
    for (const maps of stages.slice(0, -1).reverse()) {
      const size = largestSize([maps, fused]);
      const [own, enlarged] = await Promise.all(
        [maps, fused].map(one => resize(one, { ...size, interpolation: 'bilinear' })),
      );
      fused = combined([own!, enlarged!], Math.max);
    }
    return { maps: fused };
  },
});
