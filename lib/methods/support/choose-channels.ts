import { channelStatistics } from '../../kernels/channel-statistics.ts';
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
  const by = rank as Rank;
  const ranks =
    by === 'gradient'
      ? (await channelMeans(gradientsOf(layer))).map(Math.abs)
      : await channelStatistics(layer.activations, by);
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

function largest(values: Float64Array | Float32Array, count: number): number[] {
  return Array.from(values, (_, index) => index)
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, count);
}
