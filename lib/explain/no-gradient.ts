import { OnnxCamError } from '../errors.ts';
import { METHODS } from '../methods/registry.ts';

/**
 * Runs a differentiation; where it fails, the error also names the methods that work on the same layer without it.
 * @throws `ERR_NO_GRADIENT`
 */
export function orNameAlternatives<T>(differentiation: () => T): T {
  try {
    return differentiation();
  } catch (error) {
    if (!(error instanceof OnnxCamError) || error.code !== 'ERR_NO_GRADIENT') throw error;
    const names = METHODS.filter(({ needs }) => !needs.gradients && !needs.classifier).map(({ name }) => name);
    throw new OnnxCamError(error.code, `${error.message}; methods that work without gradients: ${names.join(', ')}`, {
      cause: error,
    });
  }
}
