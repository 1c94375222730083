import { channelWeights } from '../scoring/channel-weights.ts';
import { chooseChannels } from '../scoring/choose-channels.ts';
import { CHANNEL_PARAMS, DEDUPE_PARAM, needsOfRank } from '../scoring/score-params.ts';
import { softmax } from '../targets/score.ts';
import { defineMethod, scorerOf } from './definition.ts';

/** Factors of the mask on the way from nothing to all of it. */
function ladder(mode: string, n: number): number[] {
  if (mode === 'clean') return Array.from({ length: n }, (_, i) => (i + 1) / n);
  // torchcam adds up its steps and so goes on to (n + 1)/2.
  return Array.from({ length: n }, (_, i) => ((i + 1) * (i + 2)) / 2 / n);
}

/** w_k = softmax_k of the mean score over n steps c of f(c · H_k ⊙ x), the integral of the score along the mask. */
export const isCam = defineMethod({
  name: 'is-cam',
  title: 'IS-CAM',
  family: 'score',
  paper: 'arXiv:2010.03023',
  needs: { activations: true, scores: ['masks'] },
  needsFor: needsOfRank,
  cost: '(1 + nC)F',
  params: {
    mode: {
      type: 'string',
      values: ['clean', 'torchcam'],
      description:
        "steps i/n that end at the whole mask, or torchcam's, which go on beyond it (default: as the convention)",
    },
    n: { type: 'integer', default: 10, min: 1, description: 'steps of the integral' },
    ...CHANNEL_PARAMS,
    dedupe: DEDUPE_PARAM,
  },
  conventions: ['torchcam'],
  relu: true,
  compute: async (layer, context) => {
    const { params, convention } = context;
    const scorer = scorerOf(context);
    const choice = await chooseChannels(layer, params, scorer.targets);
    const skips = convention !== 'torchcam';
    const { scores, constant } = await scorer.masks({
      rule: { interpolation: 'bilinear', normalize: 'before', epsilon: 1e-8 },
      constant: skips ? 'skip' : 'score',
      select: choice.select,
      scales: ladder((params.mode as string | undefined) ?? (skips ? 'clean' : 'torchcam'), params.n as number),
      dedupe: params.dedupe as boolean | undefined,
    });
    const channels = layer.activations.dims[1]!;
    const excluded = skips ? constant : undefined;
    return { weights: channelWeights({ scores, excluded, choice, channels, targets: scorer.targets }, softmax) };
  },
});
