import { expect } from 'vitest';
import { Random } from '../../lib/common/random.ts';

/** Odd sizes, sizes around a register's, a batch, and a network's last layer. */
export const SHAPES: readonly (readonly [number, number, number, number])[] = [
  [1, 1, 1, 1],
  [2, 3, 5, 7],
  [1, 17, 13, 9],
  [3, 33, 1, 1],
  [1, 5, 1, 15],
  [2, 31, 4, 4],
  [1, 7, 31, 35],
  [1, 2048, 7, 7],
];

/** Normal values; `positive`: activations behind a ReLU, half of them 0. */
export function features(dims: readonly number[], seed: number, positive = false) {
  const random = new Random(seed);
  const count = dims.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length: count }, () => {
    const value = random.normal();
    return positive && value < 0 ? 0 : value;
  });
  return { data, dims };
}

/**
 * Values equal within `tolerance` of the largest among the expected ones; NaN and infinities at the same places.
 */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i]!));
  }
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    const close = Number.isFinite(e) ? Math.abs(a - e) <= tolerance * largest : Object.is(a, e);
    if (!close) expect.fail(`[${i}]: ${a} for ${e} (largest value ${largest}, tolerance ${tolerance} of it)`);
  }
}
