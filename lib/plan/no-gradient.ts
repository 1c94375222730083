import { OnnxCamError } from '../common/errors.ts';
import type { Steps } from '../common/slices.ts';
import type { MethodDefinition } from '../methods/definition.ts';
import { METHODS } from '../methods/registry.ts';
import type { ScoreHead } from './score-head.ts';

/**
 * What is chosen in the graph, by a suppression or as the best few, has no gradient.
 * @throws `ERR_NO_GRADIENT`
 */
export function refuseDetections({ detector }: ScoreHead): void {
  if (!detector?.labels) return;
  throw new OnnxCamError(
    'ERR_NO_GRADIENT',
    `the model's detections ("${detector.output}") are chosen in the graph (by a suppression, or as the best few), which has no ` +
      'gradient; d-rise explains them, and an export without that choice (raw head) works with every method',
  );
}

/**
 * Runs a differentiation; where it fails, the error also names the methods that work on the same layer without it.
 * @throws `ERR_NO_GRADIENT`
 */
export function* orNameAlternatives<T>(differentiation: Steps<T>): Steps<T> {
  try {
    return yield* differentiation;
  } catch (error) {
    if (!(error instanceof OnnxCamError) || error.code !== 'ERR_NO_GRADIENT') throw error;
    const anyNetwork = ({ needs }: MethodDefinition) =>
      needs.classifier !== true &&
      !needs.attention &&
      !needs.scores?.some(kind => kind === 'block' || kind === 'detections');
    const differentiates = ({ needs }: MethodDefinition) =>
      needs.gradients || needs.guided || needs.attributions || needs.optimizer;
    const names = METHODS.filter(method => anyNetwork(method) && !differentiates(method)).map(({ name }) => name);
    throw new OnnxCamError(error.code, `${error.message}; methods that work without gradients: ${names.join(', ')}`, {
      cause: error,
    });
  }
}
