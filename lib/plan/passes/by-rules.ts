import { OnnxCamError } from '../../common/errors.ts';
import type { Steps } from '../../common/slices.ts';

/**
 * A pass by other rules than the gradient's: what has no rule there may well have a derivative.
 * @throws `ERR_NO_GRADIENT`, which says so
 */
export function* byRules<T>(rules: string, differentiation: Steps<T>): Steps<T> {
  try {
    return yield* differentiation;
  } catch (error) {
    if (!(error instanceof OnnxCamError) || error.code !== 'ERR_NO_GRADIENT') throw error;
    throw new OnnxCamError(
      error.code,
      `${error.message}; these are the rules of ${rules}, methods of plain gradients such as layer-cam may work`,
      { cause: error },
    );
  }
}
