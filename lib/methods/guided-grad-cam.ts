import { colourStrength, maskColours } from '../kernels/feature-values.ts';
import { resize } from '../kernels/index.ts';
import { FINISH } from './conventions/index.ts';
import { defineMethod } from './definition.ts';
import { guidedOf } from './guided-backprop.ts';
import { baseParam, computeBase } from './support/bases.ts';
import { layerMaps } from './support/layer-maps.ts';

/** Guided backpropagation times another method's map, stretched to [0, 1] and enlarged to the input's size. */
export const guidedGradCam = defineMethod({
  name: 'guided-grad-cam',
  title: 'Guided Grad-CAM',
  family: 'gradient',
  paper: 'arXiv:1610.02391',
  needs: { activations: true, gradients: 'first', guided: true },
  cost: '1F + 2B',
  params: { base: baseParam('grad-cam') },
  conventions: ['pytorch-grad-cam'],
  relu: false,
  scope: 'layer',
  multiplies: "guided backpropagation and the other method's map",
  compute: async (layer, context) => {
    const { convention, params, size } = context;
    const base = await layerMaps(layer, await computeBase(layer, context), params.eigenSmooth === true, context.signal);
    const stretched = await FINISH[convention]({ layers: [base], size, relu: true });
    const guided = guidedOf(layer);
    const [height, width] = guided.dims.slice(2) as [number, number];
    const raw = await maskColours(guided, await resize(stretched, { width, height, interpolation: 'bilinear' }));
    return { maps: await colourStrength(raw), raw };
  },
});
