import { channelMaps } from '../kernels/features.ts';
import { resize, weightedSum } from '../kernels/index.ts';
import type { MaskRequest } from '../scoring/mask-request.ts';
import { softmax } from '../targets/score.ts';
import type { ScoreView } from '../targets/target.ts';
import {
  defineMethod,
  type LayerResult,
  type LayerTensors,
  type MethodContext,
  pictureScorerOf,
} from './definition.ts';
import { channelWeights } from './support/channel-weights.ts';
import { chooseChannels } from './support/choose-channels.ts';
import { CHANNEL_PARAMS, DEDUPE_PARAM, needsOfRank } from './support/score-params.ts';

export const SCORE_CAM_MODES = ['paper', 'official', 'pgc', 'torchcam', 'tkv'] as const;
export type ScoreCamMode = (typeof SCORE_CAM_MODES)[number];

interface Mode {
  readonly mask: Pick<MaskRequest, 'rule' | 'constant'>;
  readonly view: ScoreView;
  /** Whether weights are the softmax of the scores over channels. */
  readonly softmax: boolean;
}

/** docs/methods.md#score-cam. Baselines (a black input, the image itself) cancel in the softmax, so that none is run. */
const MODES: Readonly<Record<ScoreCamMode, Mode>> = {
  paper: {
    mask: { rule: { interpolation: 'bilinear', normalize: 'after', epsilon: 0 }, constant: 'skip' },
    view: 'probability',
    softmax: true,
  },
  official: {
    mask: { rule: { interpolation: 'bilinear', normalize: 'after', epsilon: 0 }, constant: 'skip' },
    view: 'probability',
    softmax: false,
  },
  pgc: {
    mask: { rule: { interpolation: 'align-corners', normalize: 'after', epsilon: 1e-8 }, constant: 'score' },
    view: 'logit',
    softmax: true,
  },
  torchcam: {
    mask: { rule: { interpolation: 'bilinear', normalize: 'before', epsilon: 1e-8 }, constant: 'score' },
    view: 'logit',
    softmax: true,
  },
  tkv: {
    mask: { rule: { interpolation: 'align-corners', normalize: 'after', epsilon: 1e-7 }, constant: 'score' },
    view: 'probability',
    softmax: false,
  },
};

/** Score-CAM over the channels that `topK` leaves. */
export async function computeScoreCam(
  layer: LayerTensors,
  context: MethodContext,
  name: ScoreCamMode,
): Promise<LayerResult> {
  const { params } = context;
  const scorer = pictureScorerOf(context);
  const mode = MODES[name];
  const targets = scorer.targets;
  const choice = await chooseChannels(layer, params, targets);
  const { scores, constant } = await scorer.masks({
    ...mode.mask,
    maps: channelMaps(layer.activations),
    select: choice.select,
    view: mode.view,
    dedupe: params.dedupe as boolean | undefined,
  });
  const weights = channelWeights(
    {
      scores,
      excluded: mode.mask.constant === 'skip' ? constant : undefined,
      choice,
      channels: layer.activations.dims[1]!,
      targets,
    },
    mode.softmax ? softmax : values => values,
  );
  if (name !== 'official') return { weights };
  // Its sum is over upsampled channels, which is the upsampled sum.
  const maps = await weightedSum(layer.activations, weights);
  return { maps: await resize(maps, { ...scorer.size, interpolation: 'bilinear' }) };
}

/**
 * w_k from the score of the image under mask k, the upsampled channel stretched to [0, 1]; M = ReLU(Σ_k w_k A_k). With
 * the softmax over channels, weights from probabilities are nearly uniform, those from logits nearly one-hot.
 */
export const scoreCam = defineMethod({
  name: 'score-cam',
  title: 'Score-CAM',
  family: 'score',
  paper: 'arXiv:1910.01279',
  needs: { activations: true, scores: ['masks'] },
  needsFor: needsOfRank,
  cost: '(1 + C)F',
  params: {
    mode: {
      type: 'string',
      values: SCORE_CAM_MODES,
      default: 'paper',
      defaults: { 'pytorch-grad-cam': 'pgc', torchcam: 'torchcam' },
      description:
        'whose formula: the paper, its official code (no softmax, input resolution), pytorch-grad-cam, torchcam or tf-keras-vis',
    },
    ...CHANNEL_PARAMS,
    dedupe: DEDUPE_PARAM,
  },
  conventions: ['pytorch-grad-cam', 'torchcam'],
  relu: true,
  enlarged: ({ mode }) => (mode === 'tkv' ? 'align-corners' : undefined),
  scope: 'layer',
  compute: (layer, context) => computeScoreCam(layer, context, context.params.mode as ScoreCamMode),
});
