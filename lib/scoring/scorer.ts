import type { Maps } from '../kernels/types.ts';
import type { ScoreView } from '../targets/target.ts';

/** How a small map becomes a mask of the input's size (docs/methods.md#resizing, docs/methods.md#min-max). */
export interface MaskRule {
  readonly interpolation: 'bilinear' | 'align-corners';
  /** Min-max, (M − min)/(max − min + epsilon), of the small map, of the upsampled one, or none. */
  readonly normalize: 'before' | 'after' | 'none';
  readonly epsilon: number;
  /** 1 − mask. */
  readonly complement?: boolean;
}

/** Gaussian noise of deviation `sigma`, drawn anew for each sample and distinct mask. */
export interface MaskNoise {
  /** Added to the mask, which is not clipped, or to the image that is masked. */
  readonly target: 'mask' | 'input';
  readonly samples: number;
  readonly sigma: number;
  readonly seed: number;
}

/** Maps whose masked images are scored; several repeats of one (scales, noise samples) are averaged. */
export interface MaskRequest {
  /** [V, h, w]. */
  readonly maps: Maps;
  /** Which maps; default all. */
  readonly select?: Uint32Array;
  readonly rule: MaskRule;
  /** Whether maps that are equal everywhere are scored (their mask is 0, with `complement` 1) or left out. */
  readonly constant: 'score' | 'skip';
  /** Factors of the mask, each scored; default [1]. */
  readonly scales?: readonly number[];
  readonly noise?: MaskNoise;
  /** What shows where the mask is 0: zeros of the model's input (default), or a blurred copy of the image. */
  readonly background?: 'zero' | 'blurred';
  /** What target terms that name no view read; default the logit. */
  readonly view?: ScoreView;
  /** Whether masks that are equal to six digits are run once; default true. */
  readonly dedupe?: boolean;
}

export interface MaskScores {
  /** [selected maps, targets]; 0 where left out. */
  readonly scores: Float64Array;
  /** Per selected map: 1 where it is equal everywhere. */
  readonly constant: Uint8Array;
}

/** RISE's masks: coarse grids upsampled to a canvas that is one cell larger than the image, each shifted by its offset. */
export interface GridMasks {
  /** [V, cells, cells]. */
  readonly grids: Maps;
  /** Size of the canvas, at least the image and the largest offset. */
  readonly canvas: readonly [height: number, width: number];
  /** y and x per mask. */
  readonly offsets: Uint32Array;
}

/** Changed copies of the layer's activations. */
export type TailRequest = {
  readonly view?: ScoreView;
} & (
  | {
      /** Copy i: channel channels[i] holds values[i] everywhere. */
      readonly kind: 'channels';
      readonly channels: Uint32Array;
      readonly values: Float32Array;
    }
  | {
      /** Copy i keeps the channels k with sets[i · C + k] ≠ 0, the others are 0. */
      readonly kind: 'sets';
      readonly sets: Uint8Array;
    }
  | {
      /** Copy i keeps position i (row-major) of all channels, or spreads it over its neighbours ([1 2 1]² / 16). */
      readonly kind: 'positions';
      readonly gaussian: boolean;
    }
  | {
      /** Copy i keeps position i and its neighbours, each times its weight ([1 2 1]² / 16). */
      readonly kind: 'neighbourhoods';
    }
);

/** Passes made, counted in images; `saved` are those that the mathematics showed to be superfluous. */
export interface ScorerRuns {
  readonly network: number;
  readonly tail: number;
  readonly saved: number;
}

/**
 * Scores changed copies for all targets of one image from the same runs. Loops run natively, off the event loop. Scores are
 * [items, targets], row-major. Every method throws what a run throws, and `ERR_ABORTED`.
 */
interface Scorer {
  /** Number of targets. */
  readonly targets: number;
  /** Scores of the unchanged image. */
  clean(view?: ScoreView): Float64Array;
  /** Counts passes that a method found superfluous by itself. */
  save(passes: number): void;
  readonly runs: ScorerRuns;
  /** What the caller should know about the runs made so far. */
  readonly warnings: readonly string[];
}

/** Scores changed copies of one image: the whole network runs, no layer is looked at. */
export interface PictureScorer extends Scorer {
  /** Size of the model's input. */
  readonly size: { readonly width: number; readonly height: number };
  /** Scores of what masks are blended with: an input of zeros, or the blurred image. */
  baseline(background: 'zero' | 'blurred', view?: ScoreView): Promise<Float64Array>;
  masks(request: MaskRequest): Promise<MaskScores>;
  gridMasks(masks: GridMasks, view?: ScoreView): Promise<Float64Array>;
  /** Σ_v weights[v, t] · mask_v for each target: [T, H, W]. */
  sumGridMasks(masks: GridMasks, weights: Float64Array): Promise<Maps>;
}

/** Scores changed copies of one layer's activations: only the network's tail behind it runs. */
export interface ActivationScorer extends Scorer {
  /**
   * Without a run where the score is known to be affine in the activations.
   * @throws `ERR_METHOD_UNSUPPORTED` when the network can't be cut at the layer.
   */
  tail(request: TailRequest): Promise<Float64Array>;
}
