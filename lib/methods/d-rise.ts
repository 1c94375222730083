import { defineMethod } from './definition.ts';
import { riseMap, riseParams } from './rise.ts';

/**
 * M = 1/(N p) Σ_n s_n m_n with s_n the similarity of the detector's candidates for the masked image to the target
 * detection: the largest IoU · cosine of the class vectors · objectness. Detectors without an objectness of their own have
 * the largest class confidence in its place; behind a suppression in the graph a detection's class vector is one-hot.
 */
export const dRise = defineMethod({
  name: 'd-rise',
  title: 'D-RISE',
  family: 'score',
  paper: 'arXiv:2006.03204',
  needs: { activations: true, scores: ['detections'] },
  cost: 'nF',
  params: riseParams({ n: 5000, cells: 16 }),
  conventions: [],
  relu: false,
  // Similarities have no other view.
  scope: 'layer',
  compute: async (_, context) => ({ maps: await riseMap(context, undefined) }),
});
