import { OnnxCamError } from '../common/errors.ts';
import { activationScorerOf, defineMethod } from './definition.ts';

/**
 * Recipro-CAM on the tokens that enter the last block: both its residual stream and its normalised tokens are reduced to
 * one position (and, with `gaussian`, its neighbours), the normalisation having seen all. No ReLU, no gradients.
 */
export const vitReciproCam = defineMethod({
  name: 'vit-recipro-cam',
  aliases: ['vit-reciprocam'],
  title: 'ViT-Recipro-CAM',
  family: 'score',
  paper: 'arXiv:2310.02588',
  needs: { activations: true, scores: ['block'] },
  cost: '1F + hw·T',
  params: {
    gaussian: {
      type: 'boolean',
      default: true,
      description: 'keep the neighbours as well, with weights [1 2 1; 2 4 2; 1 2 1] / 16',
    },
    score: { type: 'string', values: ['probability', 'logit'], default: 'logit', description: 'what is compared' },
    keepPrefix: {
      type: 'boolean',
      default: true,
      description: 'keep class, distillation and register tokens as they are (else zero)',
    },
  },
  conventions: [],
  relu: false,
  scope: 'layers',
  compute: async ([stream, normalized], context) => {
    if (!stream || !normalized)
      throw new OnnxCamError(
        'ERR_METHOD_UNSUPPORTED',
        'vit-recipro-cam explains one block; name no more than one layer',
      );
    const { params } = context;
    const scorer = activationScorerOf(context);
    const [, , height, width] = stream.activations.dims as [number, number, number, number];
    const scores = await scorer.tail({
      ...(params.gaussian === true ? { kind: 'neighbourhoods' } : { kind: 'positions', gaussian: false }),
      view: params.score === 'logit' ? 'logit' : 'probability',
    });
    const { targets } = scorer;
    const area = height * width;
    const data = new Float32Array(scores.length);
    for (let p = 0; p < area; p++) for (let t = 0; t < targets; t++) data[t * area + p] = scores[p * targets + t]!;
    return { maps: { data, dims: [targets, height, width] } };
  },
});
