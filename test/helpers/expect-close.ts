import { expect } from 'vitest';

/** Every value within `tolerance` of the expected one, none of them NaN; says where it is not. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const distance = (i: number): number => {
    const difference = Math.abs(actual[i]! - expected[i]!);
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  };
  let worst = 0;
  for (let i = 1; i < expected.length; i++) if (distance(i) > distance(worst)) worst = i;
  if (expected.length > 0 && distance(worst) > tolerance)
    expect.fail(`[${worst}]: ${actual[worst]} for ${expected[worst]}, off by ${distance(worst)}`);
}
