import { describe, expect, it } from 'vitest';
import { expectClose } from './expect-close.ts';

describe('expectClose', () => {
  it('takes what is close enough, and nothing at all', () => {
    expectClose([1, 2.001, -3], [1, 2, -3], 1e-2);
    expectClose([], [], 0);
  });

  it.each([
    ['too far', [1, 2.1, 3], [1, 2, 3], /\[1\]: 2\.1 for 2/],
    ['of another length', [1, 2], [1, 2, 3], /2 to be 3/],
    ['NaN at the beginning', [Number.NaN, 2, 3], [1, 2, 3], /\[0\]: NaN for 1/],
    ['NaN between others', [1, Number.NaN, 3], [1, 2, 3], /\[1\]: NaN for 2/],
    ['NaN at the end', [1, 2, Number.NaN], [1, 2, 3], /\[2\]: NaN for 3/],
    ['infinite', [1, Number.POSITIVE_INFINITY, 3], [1, 2, 3], /\[1\]: Infinity for 2/],
  ])('refuses what is %s', (_, actual, expected, message) => {
    expect(() => expectClose(actual, expected, 0.01)).toThrow(message);
  });
});
