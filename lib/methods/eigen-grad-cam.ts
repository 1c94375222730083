import { principalComponent } from '../kernels/index.ts';
import { defineMethod, gradientsOf } from './definition.ts';
import { principalComponentInGraph } from './support/principal-in-graph.ts';

/** Eigen-CAM's centred projection applied to G ⊙ A, which makes it depend on the class. */
export const eigenGradCam = defineMethod({
  name: 'eigen-grad-cam',
  title: 'Eigen-Grad-CAM',
  family: 'decomposition',
  paper: 'pytorch-grad-cam',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  conventions: ['pytorch-grad-cam'],
  relu: true,
  reductions: true,
  scope: 'layer',
  compute: async (layer, { convention, signal }) => ({
    maps: await principalComponent(layer.activations, {
      centre: true,
      gradients: gradientsOf(layer),
      sign: convention === 'pytorch-grad-cam' ? 'none' : 'activation',
      signal,
    }),
  }),
  inGraph: (emit, { activations, gradients }) => ({
    map: principalComponentInGraph(emit, emit.mul(activations, gradients!), { centre: true, strength: activations }),
  }),
});
