import type { HeadChoice } from '../targets/resolve.ts';
import type { ScoreView } from '../targets/target.ts';
import type { AskedPasses } from './passes/index.ts';
import { readoutForm } from './readout.ts';
import type { TargetLayer } from './target-layer.ts';

/**
 * How the scalar score reaches the graph as a gradient: 'index' feeds one class (or rank) per result, so that a top-1
 * map needs no earlier run; 'dense' feeds a weight for every class and view.
 */
export type SeedForm =
  | { readonly kind: 'index'; readonly view: ScoreView }
  | { readonly kind: 'dense'; readonly views: readonly ScoreView[] };

/** What one network graph has to give; equal plans share a session. */
export interface NetworkPlan extends HeadChoice {
  /** Layers whose activations are needed. */
  readonly activations: readonly string[];
  /** Layers whose gradients are needed. */
  readonly gradients: readonly string[];
  /** Layers that further passes are needed for; the curvature's need their gradients too. */
  readonly passes?: AskedPasses;
  /** Absent when no gradient is needed. */
  readonly seed?: SeedForm;
  /** Several scores of one image in one run: one image is fed, gradients have a row for each score. */
  readonly manyScores: boolean;
  /** The region that a predicted region's scores were summed over is given too. */
  readonly region?: boolean;
  /** Boxes and confidences of all candidates of a detection are given too. */
  readonly candidates?: boolean;
}

/**
 * Equal where the graphs are equal, of one model at one size of picture.
 * @param layers those that the plan names
 */
export function planKey(plan: NetworkPlan, layers: readonly TargetLayer[]): string {
  const { output, readout, activations, gradients, passes, seed, manyScores, region, candidates } = plan;
  const read = [readoutForm(readout), region, candidates];
  return JSON.stringify([output, read, activations, gradients, passes, seed, manyScores, layers.map(layerForm)]);
}

/** What a graph is made of for a layer. One tensor may be different layers: feature maps, or attention. */
export function layerForm({ name, layout, channels, tokens, frames, block }: TargetLayer): unknown {
  return [name, layout, channels, tokens?.grid, tokens?.prefix, frames, block];
}

/** Name of the graph's input for the weights of a view's classes. */
export const seedInput = (view: ScoreView): string => `onnx_cam/seed/${view}`;
