import type { ExplainSource } from '../network/images.ts';
import type { ExplainOptions, LayerName } from '../options.ts';
import type { Explanation } from '../result/explanation.ts';
import type { Target, TargetOf } from '../targets/target.ts';

/** One explanation, or arrays of them: images outside, then methods, then targets, then layers. */
export type ExplainResult = Explanation | ExplainResult[];

/** One image or several. */
export type ExplainImages = ExplainSource | readonly ExplainSource[];

/** An array for an array of images. A tensor with N > 1 gives one too, which its type doesn't show. */
export type PerImage<S, R> = S extends readonly ExplainSource[] ? R[] : R;

/** Options by how many levels of arrays the results of an image have: methods, targets, layers. */
export type NoLevel<S> = Asked<OneMethod & OneTarget<S> & OneMap>;
export type OneLevel<S> = Asked<
  | (SeveralMethods & OneTarget<S> & OneMap)
  | (OneMethod & SeveralTargets<S> & OneMap)
  | (OneMethod & OneTarget<S> & SeveralMaps)
>;
export type TwoLevels<S> = Asked<
  | (SeveralMethods & SeveralTargets<S> & OneMap)
  | (SeveralMethods & OneTarget<S> & SeveralMaps)
  | (OneMethod & SeveralTargets<S> & SeveralMaps)
>;
export type ThreeLevels<S> = Asked<SeveralMethods & SeveralTargets<S> & SeveralMaps>;

type Asked<Levels> = Omit<ExplainOptions, 'methods' | 'target' | 'fuse'> & Levels;

interface OneMethod {
  readonly methods?: undefined;
}

interface SeveralMethods {
  readonly methods: readonly string[];
}

/** A target that stands for one score. A text that is no literal may be 'top3', which its type doesn't show. */
export type SingleTarget = number | string | Exclude<Target, TargetOf<'top' | 'output'>>;
type TopTarget = TargetOf<'top'> | `top${2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 20}`;

/** Of a batch also one for each image. */
interface OneTarget<S> {
  readonly target?: SingleTarget | (S extends readonly ExplainSource[] ? readonly SingleTarget[] : never) | undefined;
}

/** Of one image also an array; of a batch an array of these. */
interface SeveralTargets<S> {
  readonly target:
    | TopTarget
    | (S extends readonly ExplainSource[] ? readonly (TopTarget | readonly SingleTarget[])[] : readonly SingleTarget[]);
}

interface OneMap {
  readonly fuse?: true | undefined;
}

/** A map for each of several layers. */
interface SeveralMaps {
  readonly layer: readonly LayerName[] | 'stages';
  readonly fuse: false;
}
