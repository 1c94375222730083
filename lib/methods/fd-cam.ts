import { largestOf, smallestOf } from '../common/sizes.ts';
import { withSignal } from '../engine/cancellation.ts';
import { channelMeans } from '../kernels/index.ts';
import { nativeScoring } from '../scoring/native-scoring.ts';
import { activationScorerOf, defineMethod, gradientsOf } from './definition.ts';
import { channelWeights } from './support/channel-weights.ts';
import { chooseChannels } from './support/choose-channels.ts';
import { CHANNEL_PARAMS, DEDUPE_PARAM, needsOfRank } from './support/score-params.ts';

/** (v − min)/(max − min); zeros where all are equal. */
function stretched(values: Float64Array): Float64Array {
  const min = smallestOf(values);
  const max = largestOf(values);
  return values.map(value => (min === max ? 0 : (value - min) / (max - min)));
}

/**
 * Each channel k is judged with its group, the channels whose maps are more like it (cosine) than the q-quantile:
 * s_k = T(A with the group alone) + T(A) − T(A without the group), g_k = mean of G_k;
 * w_k = exp(ŝ_k) ĝ_k − 0.5 with both stretched to [0, 1] over channels; M = ReLU(Σ_k w_k A_k).
 */
export const fdCam = defineMethod({
  name: 'fd-cam',
  title: 'FD-CAM',
  family: 'score',
  paper: 'arXiv:2206.08792',
  needs: { activations: true, gradients: 'first', scores: ['tail'] },
  needsFor: needsOfRank,
  cost: '1F + 1B + 2C·T',
  params: {
    q: {
      type: 'number',
      default: 0.5,
      min: 0,
      max: 1,
      description: "quantile of a channel's similarities above which others belong to its group",
    },
    ...CHANNEL_PARAMS,
    dedupe: DEDUPE_PARAM,
  },
  conventions: [],
  relu: true,
  scope: 'layer',
  compute: async (layer, context) => {
    const { params, signal } = context;
    const scorer = activationScorerOf(context);
    const { data, dims } = layer.activations;
    const [, channels, height, width] = dims as [number, number, number, number];
    const { targets } = scorer;
    const choice = await chooseChannels(layer, params, targets);
    const run = choice.select ?? Uint32Array.from({ length: channels }, (_, k) => k);
    const similar = [data, [channels, height * width], params.q as number, run, params.dedupe !== false] as const;
    const { sets, group } = await withSignal(signal, cancellation =>
      nativeScoring().similarChannels(...similar, cancellation),
    );
    const distinct = sets.length / channels;
    const both = new Uint8Array(2 * sets.length);
    both.set(sets);
    both.set(
      sets.map(kept => 1 - kept),
      sets.length,
    );
    const tail = await scorer.tail({ kind: 'sets', sets: both });
    scorer.save(2 * (run.length - distinct));
    const clean = scorer.clean();
    const scores = new Float64Array(run.length * targets);
    run.forEach((_, i) => {
      for (let t = 0; t < targets; t++) {
        const alone = tail[group[i]! * targets + t]!;
        const without = tail[(distinct + group[i]!) * targets + t]!;
        scores[i * targets + t] = alone + clean[t]! - without;
      }
    });
    const means = await channelMeans(gradientsOf(layer));
    const own = { choice, channels, targets };
    const confidences = channelWeights({ scores, ...own }, stretched);
    const slopes = channelWeights(
      {
        scores: Float64Array.from(scores, (_, i) => means[(i % targets) * channels + run[Math.floor(i / targets)]!]!),
        ...own,
      },
      stretched,
    );
    const taken = new Set(run);
    return {
      weights: confidences.map((confidence, i) =>
        taken.has(i % channels) && choice.counts(Math.floor(i / channels), i % channels)
          ? Math.exp(confidence) * slopes[i]! - 0.5
          : 0,
      ),
    };
  },
});
