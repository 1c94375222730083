import type { ExplainSource } from './network/images.ts';
import type { ExplainResult } from './explain/result-type.ts';
import type { StreamResult, StreamSource } from './io/picture-stream.ts';
import { Explainer, type StreamOptions } from './explainer.ts';

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
  options: StreamOptions = {},
): AsyncGenerator<StreamResult<T, ExplainResult>, void, void> {
  return Explainer.streamOver(explainers, source, options);
}
