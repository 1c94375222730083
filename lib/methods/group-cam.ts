import { withSignal } from '../engine/cancellation.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import { channelMeans, resize, weightedSum } from '../kernels/index.ts';
import { positiveMaps } from '../kernels/map-values.ts';
import { nativeScoring } from '../scoring/native-scoring.ts';
import { defineMethod, gradientsOf, type ParamValues, pictureScorerOf } from './definition.ts';
import { type ChannelChoice, chooseChannels } from './support/choose-channels.ts';
import { CHANNEL_PARAMS, DEDUPE_PARAM } from './support/score-params.ts';

/** The group of each channel: contiguous ones of equal size, or clusters of channels that look alike. */
async function groupChannels(
  { data, dims }: FeatureMaps,
  { groups, cluster }: ParamValues,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<{ groupOf: ArrayLike<number>; count: number }> {
  const [, channels, height, width] = dims as [number, number, number, number];
  const wanted = Math.min(groups as number, channels);
  if (cluster === true) {
    const shape = [channels, height * width];
    const groupOf = await withSignal(signal, cancellation =>
      nativeScoring().clusterChannels(data, shape, wanted, seed >>> 0, cancellation),
    );
    return { groupOf, count: wanted };
  }
  // As torch.chunk: the last group may be smaller, and there may be fewer than asked for.
  const size = Math.ceil(channels / wanted);
  return {
    groupOf: Uint32Array.from({ length: channels }, (_, k) => Math.floor(k / size)),
    count: Math.ceil(channels / size),
  };
}

/** One row of channel weights for each target and group, [targets · groups · channels]: the others' are 0. */
function groupWeights(
  means: Float32Array,
  { groupOf, count }: { groupOf: ArrayLike<number>; count: number },
  choice: ChannelChoice,
  channels: number,
): Float32Array {
  const chosen = choice.select && new Set(choice.select);
  const weights = new Float32Array(means.length * count);
  means.forEach((mean, i) => {
    const t = Math.floor(i / channels);
    const k = i % channels;
    if (chosen && !(chosen.has(k) && choice.counts(t, k))) return;
    weights[(t * count + groupOf[k]!) * channels + k] = mean;
  });
  return weights;
}

/**
 * S_l = ReLU(Σ_{k in group l} ⟨G_k⟩ A_k); H_l = U(S_l) stretched to [0, 1];
 * s_l = ReLU(p(x ⊙ H_l + blurred x ⊙ (1 − H_l)) − p(blurred x)); M = Σ_l s_l U(S_l), at the input's resolution.
 */
export const groupCam = defineMethod({
  name: 'group-cam',
  title: 'Group-CAM',
  family: 'score',
  paper: 'arXiv:2103.13859',
  needs: { activations: true, gradients: 'first', scores: ['masks'] },
  cost: '(2 + g)F + 1B',
  params: {
    groups: { type: 'integer', default: 32, min: 1, description: 'groups of channels' },
    denoise: {
      type: 'number',
      default: 0,
      min: 0,
      max: 100,
      description: "percentile of each group's map below which it is set to 0 (the paper: 70; its official code: 0)",
    },
    cluster: {
      type: 'boolean',
      default: false,
      description: 'group channels that look alike (k-means) instead of neighbours',
    },
    ...CHANNEL_PARAMS,
    dedupe: DEDUPE_PARAM,
  },
  conventions: [],
  relu: true,
  scope: 'layer',
  compute: async (layer, context) => {
    const { params, seed, signal } = context;
    const scorer = pictureScorerOf(context);
    const { targets } = scorer;
    const [, channels, height, width] = layer.activations.dims as [number, number, number, number];
    const choice = await chooseChannels(layer, params, targets);
    const means = await channelMeans(gradientsOf(layer));
    const groups = await groupChannels(layer.activations, params, seed, signal);
    const sums = await weightedSum(layer.activations, groupWeights(means, groups, choice, channels));
    const maps = await positiveMaps(sums, params.denoise as number);
    const { scores, constant } = await scorer.masks({
      maps,
      rule: { interpolation: 'bilinear', normalize: 'after', epsilon: 0 },
      constant: 'skip',
      background: 'blurred',
      view: 'probability',
      dedupe: params.dedupe as boolean | undefined,
    });
    const blurred = await scorer.baseline('blurred', 'probability');
    const weights = Float32Array.from(constant, (skipped, i) => {
      const t = Math.floor(i / groups.count);
      const gain = scores[i * targets + t]! - blurred[t]!;
      return skipped || gain < 0 ? 0 : gain;
    });
    const sum = await weightedSum({ data: maps.data, dims: [targets, groups.count, height, width] }, weights);
    return { maps: await resize(sum, { ...scorer.size, interpolation: 'bilinear' }) };
  },
});
