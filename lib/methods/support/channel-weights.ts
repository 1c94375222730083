import type { ChannelChoice } from './choose-channels.ts';

/** Scores of the channels that were run, and which of them take part. */
export interface ChannelScores {
  /** [run channels, targets]. */
  readonly scores: Float64Array;
  /** Per run channel: 1 when it takes no part, whatever the target. */
  readonly excluded?: Uint8Array;
  readonly choice: ChannelChoice;
  readonly channels: number;
  readonly targets: number;
}

/** Weights [targets · channels] from each target's scores; channels that take no part have weight 0. */
export function channelWeights(
  { scores, excluded, choice, channels, targets }: ChannelScores,
  weigh: (scores: Float64Array) => ArrayLike<number>,
): Float32Array {
  const run = choice.select ?? Uint32Array.from({ length: channels }, (_, k) => k);
  const weights = new Float32Array(targets * channels);
  for (let t = 0; t < targets; t++) {
    const part: number[] = [];
    run.forEach((channel, i) => {
      if (!excluded?.[i] && choice.counts(t, channel)) part.push(i);
    });
    const own = weigh(Float64Array.from(part, i => scores[i * targets + t]!));
    part.forEach((i, j) => {
      weights[t * channels + run[i]!] = own[j]!;
    });
  }
  return weights;
}
