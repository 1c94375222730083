import { withSignal } from '../engine/cancellation.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import { resize, weightedSum } from '../kernels/index.ts';
import { positiveMaps } from '../kernels/map-values.ts';
import type { Maps } from '../kernels/types.ts';
import { nativeScoring } from '../scoring/native-scoring.ts';
import type { PictureScorer } from '../scoring/picture-scorer.ts';
import { defineMethod, type LayerTensors, type MethodContext, pictureScorerOf } from './definition.ts';
import { channelWeights } from './support/channel-weights.ts';
import { chooseChannels } from './support/choose-channels.ts';
import { CHANNEL_PARAMS, DEDUPE_PARAM, needsOfRank } from './support/score-params.ts';

/** Percentiles between which a channel is stretched to a mask. */
const LOW = 0.1;
const HIGH = 99.9;
/** Divisors are at least this. */
const TINY = 1e-12;

/** w [targets · channels] of one layer from masks H_k = U(clip((A_k − P0.1)/P99.9, 0, 1)). */
export async function polyWeights(
  layer: LayerTensors,
  { params, signal }: MethodContext,
  scorer: PictureScorer,
): Promise<Float32Array> {
  const { data, dims } = layer.activations;
  const [, channels, height, width] = dims as [number, number, number, number];
  const { targets } = scorer;
  const choice = await chooseChannels(layer, params, targets);
  const clipped = await withSignal(signal, cancellation =>
    nativeScoring().clipMaps(data, [channels, height * width], LOW, HIGH, cancellation),
  );
  const score = async (complement: boolean) => {
    const { scores } = await scorer.masks({
      maps: { data: clipped, dims: [channels, height, width] },
      select: choice.select,
      rule: { interpolation: 'bilinear', normalize: 'none', epsilon: 0, complement },
      constant: 'score',
      view: 'probability',
      dedupe: params.dedupe as boolean | undefined,
    });
    return scores;
  };
  const kept = params.sign === 'minus' ? undefined : await score(false);
  const removed = params.sign === 'plus' ? undefined : await score(true);
  const clean = scorer.clean('probability');
  const scores = (kept ?? removed)!.map((_, i) => {
    if (!removed) return kept![i]!;
    return Math.max(0, (kept?.[i] ?? 0) + clean[i % targets]! - removed[i]!);
  });
  return channelWeights({ scores, choice, channels, targets }, own => own);
}

/** P ← ReLU(LNorm(M) ⊙ U(P)) with LNorm(M) = M / U(D(M)): the details that the finer layer adds to the coarser map. */
export async function refine(coarse: Maps, fine: Maps): Promise<Maps> {
  const [, height, width] = fine.dims;
  const [, small, narrow] = coarse.dims;
  const up = (maps: Maps) => resize(maps, { width, height, interpolation: 'bilinear' });
  const surroundings = await up(await resize(fine, { width: narrow, height: small, interpolation: 'bilinear' }));
  const { data: previous } = await up(coarse);
  return {
    data: fine.data.map((value, i) => Math.max((value / Math.max(surroundings.data[i]!, TINY)) * previous[i]!, 0)),
    dims: fine.dims,
  };
}

async function layerMap(activations: FeatureMaps, weights: Float32Array): Promise<Maps> {
  return positiveMaps(await weightedSum(activations, weights));
}

/**
 * Channel masks scored on every stage of the network: by the probability with the mask (`plus`), by its loss without
 * (`minus`), or by both. Each stage's M_l = ReLU(Σ_k w_k A_k) refines the map of the deeper ones, down to the first.
 */
export const polyCam = defineMethod({
  name: 'poly-cam',
  aliases: ['pcam'],
  title: 'Poly-CAM',
  family: 'score',
  paper: 'arXiv:2204.13359',
  needs: { activations: true, scores: ['masks'] },
  needsFor: needsOfRank,
  cost: '(1 + ΣC)F, sign both (1 + 2ΣC)F',
  params: {
    sign: {
      type: 'string',
      values: ['plus', 'minus', 'both'],
      default: 'plus',
      description: 'score what a mask keeps (PCAM+), what its removal loses (PCAM-), or the sum (PCAM±)',
    },
    ...CHANNEL_PARAMS,
    dedupe: DEDUPE_PARAM,
  },
  conventions: [],
  relu: true,
  scope: 'layers',
  multiplies: 'the maps of all layers',
  compute: async (layers, context) => {
    const scorer = pictureScorerOf(context);
    let map: Maps | undefined;
    for (const layer of layers.toReversed()) {
      const own = await layerMap(layer.activations, await polyWeights(layer, context, scorer));
      map = map ? await refine(map, own) : own;
    }
    return { maps: map! };
  },
});
