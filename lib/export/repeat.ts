import type { Emitter } from '../autodiff/emitter.ts';
import type { Value } from '../autodiff/value.ts';

/**
 * A tensor repeated along axes of length 1.
 * @param times int64, how often along each axis: 1 along the others
 * @param dims what comes out
 */
export function repeated(emit: Emitter, x: Value, times: Value, dims: readonly number[]): Value {
  // Expand is newer than opset 7.
  return emit.node(emit.opset < 8 ? 'Tile' : 'Expand', [x, times], { type: x.type, dims });
}
