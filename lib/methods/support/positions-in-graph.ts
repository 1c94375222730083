import type { Emitter } from '../../autodiff/emitter.ts';
import { range, sizeOf, type Value } from '../../autodiff/value.ts';

/**
 * Copies of a layer in which only one position is left, one copy for each position, row by row.
 * @param activations [N, C, …positions]
 * @param spread each position is spread over its neighbourhood with weights [1 2 1] / 4 along every axis
 * @returns [N · number of positions, C, …positions]
 */
export function singlePositions(emit: Emitter, activations: Value, spread: boolean): Value {
  const [count, channels, ...positions] = activations.dims as [number, number, ...number[]];
  const area = sizeOf(positions);
  const rows = emit.reshape(activations, [count, channels, area]);
  const values = emit.reshape(emit.transpose(rows, [0, 2, 1]), [count, area, channels, 1]);
  const copies = emit.mul(values, placing(emit, positions, spread));
  return emit.reshape(copies, [count === -1 ? -1 : count * area, channels, ...positions]);
}

/** What of position p is at position q, [1, p, 1, q]: a product of one factor for each axis, so that no constant holds it whole. */
function placing(emit: Emitter, positions: readonly number[], spread: boolean): Value {
  const area = sizeOf(positions);
  const rank = positions.length;
  const factors = positions.map((size, axis) => {
    const along = range(2 * rank).map(place => (place % rank === axis ? size : 1));
    const weights = range(size * size).map(i => weightAt(Math.abs(Math.floor(i / size) - (i % size)), spread));
    return emit.constant(weights, 'float32', along);
  });
  return emit.reshape(
    factors.reduce((all, one) => emit.mul(all, one)),
    [1, area, 1, area],
  );
}

function weightAt(distance: number, spread: boolean): number {
  if (!spread) return distance === 0 ? 1 : 0;
  return distance > 1 ? 0 : (2 - distance) / 4;
}
