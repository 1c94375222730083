import { channelStatistics, uniformChannels } from '../kernels/channel-statistics.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import type { ActivationScorer } from '../scoring/activation-scorer.ts';
import { activationScorerOf, defineMethod } from './definition.ts';
import { channelWeights } from './support/channel-weights.ts';
import { type ChannelChoice, chooseChannels } from './support/choose-channels.ts';
import { CHANNEL_PARAMS, DEDUPE_PARAM, needsOfRank } from './support/score-params.ts';

/** Scores below this are taken for 0, by which nothing is divided. */
const TINY = 1e-12;
/** Copies that pytorch-grad-cam ablates together. */
const PGC_BATCH = 32;

/** What each channel k of `run` is replaced with. */
async function fillValues(mode: string, activations: FeatureMaps, run: Uint32Array): Promise<Float32Array> {
  if (mode === 'zero') return new Float32Array(run.length);
  if (mode === 'mean') {
    const means = await channelStatistics(activations, 'mean');
    return Float32Array.from(run, k => means[k]!);
  }
  // pytorch-grad-cam takes the minimum of the batch, copies changed before it included, less 1e7 unless it is 0.
  const minima = await channelStatistics(activations, 'minimum');
  const min = minima.reduce((least, one) => Math.min(least, one));
  let value = 0;
  return Float32Array.from(run, (_, i) => {
    if (min === 0) return 0;
    value = Math.fround((i % PGC_BATCH === 0 ? min : value) - 1e7);
    return value;
  });
}

/** Scores [run, targets] of the layer without each channel, from as few runs as possible. */
async function ablatedScores(
  scorer: ActivationScorer,
  activations: FeatureMaps,
  run: Uint32Array,
  values: Float32Array,
  dedupe: boolean,
): Promise<Float64Array> {
  const { targets } = scorer;
  const clean = scorer.clean();
  const scores = new Float64Array(run.length * targets);
  // A channel that holds nothing but its replacement already leaves the score as it is.
  const held = dedupe ? await uniformChannels(activations, run, values) : undefined;
  const changed = run.map((_, i) => i).filter(i => !held?.[i]);
  for (let i = 0; i < run.length; i++) scores.set(clean, i * targets);
  const own = await scorer.tail({
    kind: 'channels',
    channels: changed.map(i => run[i]!),
    values: Float32Array.from(changed, i => values[i]!),
  });
  changed.forEach((i, j) => {
    scores.set(own.subarray(j * targets, (j + 1) * targets), i * targets);
  });
  scorer.save(run.length - changed.length);
  return scores;
}

/** w_k = (y − y_k)/y with y_k the score without channel k (y − y_k where y is 0); M = ReLU(Σ_k w_k A_k). */
export const ablationCam = defineMethod({
  name: 'ablation-cam',
  title: 'Ablation-CAM',
  family: 'score',
  paper: 'WACV 2020 (Desai & Ramaswamy)',
  needs: { activations: true, scores: ['tail'] },
  needsFor: needsOfRank,
  cost: '1F + C·T',
  params: {
    mode: {
      type: 'string',
      values: ['zero', 'mean', 'pgc'],
      default: 'zero',
      defaults: { 'pytorch-grad-cam': 'pgc' },
      description:
        "what a channel is replaced with: zeros, its mean, or pytorch-grad-cam's far negative value where activations are signed",
    },
    ...CHANNEL_PARAMS,
    dedupe: DEDUPE_PARAM,
  },
  conventions: ['pytorch-grad-cam'],
  relu: true,
  scope: 'layer',
  compute: async (layer, context) => {
    const { params } = context;
    const scorer = activationScorerOf(context);
    const { activations } = layer;
    const channels = activations.dims[1]!;
    const choice: ChannelChoice = await chooseChannels(layer, params, scorer.targets);
    const run = choice.select ?? Uint32Array.from({ length: channels }, (_, k) => k);
    const values = await fillValues(params.mode as string, activations, run);
    const ablated = await ablatedScores(scorer, activations, run, values, params.dedupe !== false);
    const clean = scorer.clean();
    const { targets } = scorer;
    const scores = ablated.map((score, i) => {
      const y = clean[i % targets]!;
      return (y - score) / (Math.abs(y) < TINY ? 1 : y);
    });
    return { weights: channelWeights({ scores, choice, channels, targets }, own => own) };
  },
});
