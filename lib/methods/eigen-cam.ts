import { principalComponent } from '../kernels/index.ts';
import { defineMethod } from './definition.ts';
import { principalComponentInGraph } from './support/principal-in-graph.ts';

/**
 * The activations' projection on their first principal direction; no class enters. The paper doesn't centre,
 * pytorch-grad-cam does. The sign of a principal direction is arbitrary: outside pytorch-grad-cam's convention it is
 * chosen so that Σ M·mean_k|A_k| ≥ 0 and the map shows where the activations are.
 */
export const eigenCam = defineMethod({
  name: 'eigen-cam',
  title: 'Eigen-CAM',
  family: 'decomposition',
  paper: 'arXiv:2008.00299',
  needs: { activations: true },
  cost: '1F',
  params: {
    centre: {
      type: 'boolean',
      default: false,
      defaults: { 'pytorch-grad-cam': true },
      description: "subtract each channel's mean over positions first",
    },
  },
  conventions: ['pytorch-grad-cam'],
  relu: true,
  reductions: true,
  scope: 'layer',
  compute: async ({ activations }, { convention, params, signal }) => {
    const maps = await principalComponent(activations, {
      centre: params.centre as boolean,
      sign: convention === 'pytorch-grad-cam' ? 'none' : 'activation',
      signal,
    });
    return { maps };
  },
  inGraph: (emit, { activations }, { centre }) => ({
    map: principalComponentInGraph(emit, activations, { centre: centre as boolean, strength: activations }),
  }),
});
