import { addon } from '../engine/addon.ts';
import type { FeatureMaps } from './features.ts';
import type { Answer } from './native-kernels.ts';

/** Activations, and scores that are affine in them: T(A) = b + Σ G ⊙ A. */
export interface AffineTail {
  /** G of each target, [T, C, h, w] or lazy [T, C, 1, 1]. */
  readonly slopes: FeatureMaps;
  /** [1, C, h, w]. */
  readonly activations: FeatureMaps;
  /** T(A) of each target. */
  readonly clean: Float64Array;
}

type Tail = readonly [
  slopes: Float32Array,
  lazy: boolean,
  activations: Float32Array,
  channels: number,
  height: number,
  width: number,
  clean: Float64Array,
];

interface AffineKernels {
  affineChannelScores(...rest: [...Tail, Uint32Array, Float32Array]): Answer<Float64Array>;
  affineSetScores(...rest: [...Tail, Uint8Array]): Answer<Float64Array>;
  affinePositionScores(...rest: [...Tail, 'none' | 'spread' | 'kept']): Answer<Float64Array>;
}

/** Scores [copies, T] of copies i whose channel channels[i] holds values[i] everywhere. */
export async function affineChannelScores(
  tail: AffineTail,
  channels: Uint32Array,
  values: Float32Array,
): Promise<Float64Array> {
  return addon<AffineKernels>().affineChannelScores(...argumentsOf(tail), channels, values);
}

/** Scores [copies, T] of copies that keep the channels k with sets[i · C + k] ≠ 0; the others are 0. */
export async function affineSetScores(tail: AffineTail, sets: Uint8Array): Promise<Float64Array> {
  return addon<AffineKernels>().affineSetScores(...argumentsOf(tail), sets);
}

/**
 * Scores [positions, T] of copies that keep one position: alone, spread over its neighbours, or with its neighbours kept as
 * well (weights [1 2 1]² / 16).
 */
export async function affinePositionScores(
  tail: AffineTail,
  neighbours: 'none' | 'spread' | 'kept',
): Promise<Float64Array> {
  return addon<AffineKernels>().affinePositionScores(...argumentsOf(tail), neighbours);
}

function argumentsOf({ slopes, activations, clean }: AffineTail): Tail {
  const [, channels, height, width] = activations.dims as [number, number, number, number];
  const lazy = slopes.data.length === clean.length * channels;
  return [slopes.data, lazy, activations.data, channels, height, width, clean];
}
