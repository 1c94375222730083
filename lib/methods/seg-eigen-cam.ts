import { principalComponent } from '../kernels/index.ts';
import { changeValues } from '../kernels/map-values.ts';
import { defineMethod, gradientsOf } from './definition.ts';
import { principalComponentInGraph } from './support/principal-in-graph.ts';

/**
 * The centred projection of |G| ⊙ A on its first principal direction, with the sign that makes its largest value
 * positive. Made for segmentation networks.
 */
export const segEigenCam = defineMethod({
  name: 'seg-eigen-cam',
  title: 'Seg-Eigen-CAM',
  family: 'decomposition',
  paper: 'doi:10.3390/app15137562',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  conventions: ['pytorch-grad-cam'],
  relu: true,
  scope: 'layer',
  compute: async (layer, { signal }) => {
    const { data, dims } = gradientsOf(layer);
    const gradients = { data: await changeValues(data, 'absolute'), dims };
    return { maps: await principalComponent(layer.activations, { centre: true, gradients, sign: 'largest', signal }) };
  },
  inGraph: (emit, { activations, gradients }) => ({
    map: principalComponentInGraph(emit, emit.mul(activations, emit.unary('Abs', gradients!)), { centre: true }),
  }),
});
