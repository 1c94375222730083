import { expect } from 'vitest';

/** Every value within `tolerance` of the expected one; says where it is not. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < expected.length; i++)
    if (!(Math.abs(actual[i]! - expected[i]!) <= Math.abs(actual[worst]! - expected[worst]!))) worst = i;
  const difference = Math.abs(actual[worst]! - expected[worst]!);
  expect(difference <= tolerance, `[${worst}]: ${actual[worst]} for ${expected[worst]}, off by ${difference}`).toBe(
    true,
  );
}
