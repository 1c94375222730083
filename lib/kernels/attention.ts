import { addon } from '../engine/addon.ts';
import type { Answer } from './native-kernels.ts';

/** One block's attention for one result; with the gradients of its score where the method needs them. */
export interface HeadMatrices {
  readonly heads: number;
  readonly tokens: number;
  /** [heads, tokens, tokens] */
  readonly attention: Float32Array;
  readonly gradients: Float32Array | undefined;
}

export interface AttentionRoll {
  /**
   * How the matrices of the heads, A or A ⊙ G, become one, of which with gradients max(·, 0) is taken; `positive-mean` takes
   * it of every head.
   */
  readonly fuse: 'mean' | 'max' | 'min' | 'positive-mean';
  /** The share of the lowest entries of the fused matrix that is set to 0. */
  readonly discard: number;
  /** The first entry is never discarded. */
  readonly keepFirst: boolean;
  /** With what the block changes the row: r ← r · rownorm(F + I), or r ← r + r · F. */
  readonly step: 'normalized' | 'sum';
}

/** Where the patches are among the keys. */
export interface Patches {
  readonly prefix: number;
  readonly count: number;
}

interface AttentionKernels {
  rollAttention(
    fuse: AttentionRoll['fuse'],
    discard: number,
    keepFirst: boolean,
    normalized: boolean,
    row: Float64Array,
    attention: Float32Array,
    gradients: Float32Array | null,
    heads: number,
    tokens: number,
  ): Answer<Float64Array>;
  positiveRows(
    gradients: Float32Array,
    rows: number,
    keys: number,
    prefix: number,
    patches: number,
  ): Answer<Float64Array>;
  attentionGradCam(
    attention: Float32Array,
    gradients: Float32Array,
    heads: number,
    queries: number,
    keys: number,
    rows: number,
    prefix: number,
    patches: number,
  ): Answer<Float32Array>;
}

/** A row over tokens [tokens], taken through one block. */
export async function rollAttention(
  row: Float64Array,
  { heads, tokens, attention, gradients }: HeadMatrices,
  { fuse, discard, keepFirst, step }: AttentionRoll,
): Promise<Float64Array> {
  const how = [fuse, discard, keepFirst, step === 'normalized'] as const;
  return addon<AttentionKernels>().rollAttention(...how, row, attention, gradients ?? null, heads, tokens);
}

/** Σ over rows of max(G, 0) at each patch, of gradients [rows, keys]. */
export async function positiveRows(
  gradients: Float32Array,
  keys: number,
  { prefix, count }: Patches,
): Promise<Float64Array> {
  return addon<AttentionKernels>().positiveRows(gradients, gradients.length / keys, keys, prefix, count);
}

/**
 * Mean over heads of ⟨g⟩ a at each patch, a and g the means of the first `rows` rows of attention and gradients [heads,
 * queries, keys].
 */
export async function attentionGradCam(
  attention: Float32Array,
  gradients: Float32Array,
  [heads, queries, keys]: readonly [heads: number, queries: number, keys: number],
  rows: number,
  { prefix, count }: Patches,
): Promise<Float32Array> {
  const shape = [heads, queries, keys, rows, prefix, count] as const;
  return addon<AttentionKernels>().attentionGradCam(attention, gradients, ...shape);
}
