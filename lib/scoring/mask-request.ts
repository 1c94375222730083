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
