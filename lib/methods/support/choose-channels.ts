import type { FeatureMaps } from '../../kernels/features.ts';
import { channelMeans } from '../../kernels/index.ts';
import { gradientsOf, type LayerTensors, type ParamValues } from '../definition.ts';
import type { Rank } from './score-params.ts';

/** The channels that are run, ascending, and which of them count for each target. */
export interface ChannelChoice {
  /** Undefined: all. */
  readonly select: Uint32Array | undefined;
  /** Whether channel k counts for target t. */
  counts(target: number, channel: number): boolean;
}

/**
 * The `topK` channels of one image by `rank`; equal ranks keep the lower channel first. The ranking by gradient differs
 * from target to target: what is run is then the union of their choices.
 */
export async function chooseChannels(
  layer: LayerTensors,
  { topK, rank }: ParamValues,
  targets: number,
): Promise<ChannelChoice> {
  const channels = layer.activations.dims[1]!;
  if (topK === undefined || (topK as number) >= channels) return { select: undefined, counts: () => true };
  const byGradient = (rank as Rank) === 'gradient';
  const ranks = byGradient ? (await channelMeans(gradientsOf(layer))).map(Math.abs) : rankChannels(layer, rank as Rank);
  const rows = ranks.length / channels;
  const chosen = Array.from(
    { length: rows },
    (_, row) => new Set(largest(ranks.subarray(row * channels, (row + 1) * channels), topK as number)),
  );
  const union = new Set(chosen.flatMap(set => [...set]));
  return {
    select: Uint32Array.from(union).sort(),
    counts: (target, channel) => chosen[Math.min(target % targets, rows - 1)]!.has(channel),
  };
}

/** Population deviation over positions, or the maximum, of each channel [C] of one image. */
function rankChannels({ activations }: { activations: FeatureMaps }, rank: Rank): Float64Array {
  const { data, dims } = activations;
  const channels = dims[1]!;
  const positions = data.length / channels;
  return Float64Array.from({ length: channels }, (_, k) => {
    let sum = 0;
    let squares = 0;
    let max = Number.NEGATIVE_INFINITY;
    const first = data[k * positions]!;
    for (let i = k * positions; i < (k + 1) * positions; i++) {
      // Around the first value, so that large offsets don't eat the digits of small deviations.
      const value = data[i]! - first;
      sum += value;
      squares += value * value;
      if (data[i]! > max) max = data[i]!;
    }
    return rank === 'maximum' ? max : Math.sqrt(Math.max(0, squares / positions - (sum / positions) ** 2));
  });
}

function largest(values: Float64Array | Float32Array, count: number): number[] {
  return Array.from(values, (_, index) => index)
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, count);
}
