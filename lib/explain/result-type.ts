import type { ExplainSource } from '../network/images.ts';
import type { ExplainOptions } from '../options.ts';
import type { Explanation } from '../result/explanation.ts';
import type { Target, TargetOf } from '../targets/target.ts';

/** One explanation, or arrays of them: images outside, then methods, then targets or layers. */
export type ExplainResult = Explanation | ExplainResult[];

/** An array for an array of images. A tensor with N > 1 gives one too, which its type doesn't show. */
export type PerImage<S, R> = S extends readonly ExplainSource[] ? R[] : R;

/** Options that ask for one result of each image. */
export interface SingleOptions extends ExplainOptions {
  readonly methods?: undefined;
  readonly fuse?: true;
  readonly target?: SingleTarget;
}

/** Options of a batch with a target for each image. */
export type OneEachOptions = Omit<SingleOptions, 'target'> & { readonly target: readonly SingleTarget[] };

/** Options with one level of several: methods, the best classes, or an array of targets of one image. */
export type SeveralOptions =
  | (Omit<SingleOptions, 'methods'> & { readonly methods: readonly string[] })
  | (Omit<SingleOptions, 'target'> & {
      readonly target: TargetOf<'top'> | 'top2' | 'top3' | 'top5' | 'top10' | readonly SingleTarget[];
    });

/** A target that stands for one score. */
export type SingleTarget = number | string | Exclude<Target, TargetOf<'top' | 'output'>>;
