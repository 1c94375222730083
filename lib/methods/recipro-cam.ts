import { sizeOf } from '../autodiff/value.ts';
import { OnnxCamError } from '../common/errors.ts';
import { activationScorerOf, defineMethod } from './definition.ts';
import { singlePositions } from './support/positions-in-graph.ts';

/** M(i, j) = score of the tail when only position (i, j) of the activations is left. No ReLU, no gradients. */
export const reciproCam = defineMethod({
  name: 'recipro-cam',
  title: 'Recipro-CAM',
  family: 'score',
  paper: 'arXiv:2209.14074',
  needs: { activations: true, scores: ['tail'] },
  cost: '1F + hw·T',
  params: {
    gaussian: {
      type: 'boolean',
      default: false,
      description: 'spread each position over its 3×3 neighbourhood with weights [1 2 1; 2 4 2; 1 2 1] / 16',
    },
    score: {
      type: 'string',
      values: ['probability', 'logit'],
      default: 'probability',
      description: 'what is compared (OpenVINO XAI takes the logit)',
    },
    keepPrefix: {
      type: 'boolean',
      default: true,
      description: 'of tokens: keep class, distillation and register tokens as they are (else zero)',
    },
  },
  conventions: [],
  relu: false,
  scope: 'layer',
  compute: async ({ activations }, context) => {
    const scorer = activationScorerOf(context);
    const [, , height, width] = activations.dims as [number, number, number, number];
    const scores = await scorer.tail({
      kind: 'positions',
      gaussian: context.params.gaussian === true,
      view: context.params.score === 'logit' ? 'logit' : 'probability',
    });
    const { targets } = scorer;
    const data = new Float32Array(scores.length);
    for (let position = 0; position < height * width; position++)
      for (let t = 0; t < targets; t++) data[t * height * width + position] = scores[position * targets + t]!;
    return { maps: { data, dims: [targets, height, width] } };
  },
  inGraph: (emit, { activations, tail }, { gaussian, score, keepPrefix }) => {
    if (!tail) throw new TypeError('no tail for a method that needs scores of changed activations');
    const [count, , ...positions] = activations.dims as [number, number, ...number[]];
    if (gaussian === true && positions.length !== 2)
      throw new OnnxCamError(
        'ERR_METHOD_UNSUPPORTED',
        'neighbourhoods are those of pictures, this layer holds volumes or clips; set params: { gaussian: false }',
      );
    const changed = singlePositions(emit, activations, gaussian === true);
    const view = score === 'logit' ? 'logit' : 'probability';
    const scores = tail(changed, sizeOf(positions), { view, keepPrefix: keepPrefix === true });
    return { map: emit.reshape(scores, [count, 1, ...positions]) };
  },
});
