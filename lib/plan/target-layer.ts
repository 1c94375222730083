import type { ChosenLayer } from '../model/find/choose-layer.ts';
import type { FeatureLayout } from './conversions.ts';

/** Where a block of a transformer ends: its tokens [N,T,D], and those of the last block, which the head reads. */
export interface BlockEnd {
  readonly stream: string;
  readonly last: string;
}

/** A target layer with everything the graph needs to turn it into feature maps. */
export type TargetLayer = Omit<ChosenLayer, 'layout' | 'tokens'> &
  FeatureLayout & {
    /** The logits are an affine function of this layer. */
    readonly affine: boolean;
    /** What the layer adds to each channel; only of layers chosen for it. */
    readonly bias?: Float32Array;
    /** What results are told of it. */
    readonly note?: string;
    /** Of attention: where its block ends. */
    readonly block?: BlockEnd;
    /** Of attention: what the head reads, class tokens or the mean of tokens. */
    readonly reader?: 'class' | 'mean';
  };

/** More class, distillation and register tokens than that must be said in the option. */
export const MOST_PREFIX = 16;

/** Class, distillation or register tokens come before those of the picture (and nothing after them). */
export function hasPrefix({ layout, tokens, shape }: TargetLayer): boolean {
  if (layout !== 'tokens' || !tokens || tokens.prefix === 0) return false;
  return tokens.prefix + tokens.grid[0] * tokens.grid[1] === shape[1];
}
