import { defineMethod } from './definition.ts';
import { computeScoreCam } from './score-cam.ts';
import { CHANNEL_PARAMS, DEDUPE_PARAM, needsOfRank } from './support/score-params.ts';

/** Score-CAM on the k channels whose activations vary most. */
export const fasterScoreCam = defineMethod({
  name: 'faster-score-cam',
  title: 'Faster Score-CAM',
  family: 'score',
  paper: 'https://github.com/tabayashi0117/Score-CAM',
  needs: { activations: true, scores: ['masks'] },
  needsFor: needsOfRank,
  cost: '(1 + k)F',
  params: { ...CHANNEL_PARAMS, topK: { ...CHANNEL_PARAMS.topK, default: 10 }, dedupe: DEDUPE_PARAM },
  conventions: [],
  relu: true,
  scope: 'layer',
  compute: (layer, context) => computeScoreCam(layer, context, 'paper'),
});
