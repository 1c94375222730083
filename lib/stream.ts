import type { ExplainResult, NoLevel, OneLevel, ThreeLevels, TwoLevels } from './explain/result-type.ts';
import type { ImageStream } from './explain/stream-images.ts';
import { Explainer } from './explainer.ts';
import type { StreamSource } from './io/picture-stream.ts';
import type { ExplainSource } from './network/images.ts';
import type { AtOnce, StreamOptions } from './options.ts';
import type { Explanation } from './result/explanation.ts';

/**
 * `explainer.stream` over several explainers of one model, for machines with several GPUs: load it once for each
 * `deviceId`. Every image goes to the explainer that has the fewest in work, so that all of them stay busy; results come in
 * the order of the source all the same.
 * @param explainers at least one; they should give the same results
 * @param options `concurrency` is for each explainer
 * @throws as `explainer.stream`, and `ERR_OPTION_INVALID` without explainers
 */
export function stream<T extends ExplainSource>(
  explainers: readonly Explainer[],
  source: StreamSource<T>,
  options: AtOnce & ThreeLevels<T>,
): ImageStream<T, Explanation[][][]>;
export function stream<T extends ExplainSource>(
  explainers: readonly Explainer[],
  source: StreamSource<T>,
  options: AtOnce & TwoLevels<T>,
): ImageStream<T, Explanation[][]>;
export function stream<T extends ExplainSource>(
  explainers: readonly Explainer[],
  source: StreamSource<T>,
  options: AtOnce & OneLevel<T>,
): ImageStream<T, Explanation[]>;
export function stream<T extends ExplainSource>(
  explainers: readonly Explainer[],
  source: StreamSource<T>,
  options?: AtOnce & NoLevel<T>,
): ImageStream<T, Explanation>;
export function stream<T extends ExplainSource>(
  explainers: readonly Explainer[],
  source: StreamSource<T>,
  options?: StreamOptions,
): ImageStream<T, ExplainResult>;
export function stream<T extends ExplainSource>(
  explainers: readonly Explainer[],
  source: StreamSource<T>,
  options: StreamOptions = {},
): ImageStream<T, ExplainResult> {
  return Explainer.streamOver(explainers, source, options);
}
