import type { ScoreView } from '../targets/target.ts';

/**
 * How the scalar score reaches the graph as a gradient: 'index' feeds one class (or rank) per result, so that a top-1
 * map needs no earlier run; 'dense' feeds a weight for every class and view.
 */
export type SeedForm =
  | { readonly kind: 'index'; readonly view: ScoreView }
  | { readonly kind: 'dense'; readonly views: readonly ScoreView[] };

/**
 * What a pass besides the gradient's gives of a layer: `curvature` is H·A, the second derivative of the score times A;
 * `guided` the gradient by guided backpropagation.
 */
export type PassKind = 'curvature' | 'guided';

/** What one network graph has to give; equal plans share a session. */
export interface NetworkPlan {
  /** Output head, where the target names one. */
  readonly output?: string;
  /** Layers whose activations are needed. */
  readonly activations: readonly string[];
  /** Layers whose gradients are needed. */
  readonly gradients: readonly string[];
  /** Layers that further passes are needed for; the curvature's need their gradients too. */
  readonly passes?: Readonly<Partial<Record<PassKind, readonly string[]>>>;
  /** Absent when no gradient is needed. */
  readonly seed?: SeedForm;
  /** Several scores of one image in one run: one image is fed, gradients have a row for each score. */
  readonly manyScores: boolean;
}

export function planKey(plan: NetworkPlan): string {
  return JSON.stringify([plan.output, plan.activations, plan.gradients, plan.passes, plan.seed, plan.manyScores]);
}

/** Names of the graph's extra inputs. */
export const CLASS_INPUT = 'onnx_cam/class';
export const seedInput = (view: ScoreView): string => `onnx_cam/seed/${view}`;
