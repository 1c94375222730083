import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import {
  checkedCount,
  largestOf,
  lengthOf,
  pushAll,
  smallestOf,
  tensorLimit,
  toInt64,
  toInt64s,
} from '../../lib/common/sizes.ts';

/** Sizes as damaged files have them. */
const size = fc.oneof(
  fc.integer({ min: -4, max: 40 }),
  fc.constantFrom(0, 65536, 1000003, 2 ** 31, 2 ** 53, 2 ** 62, 2 ** 63, -(2 ** 63), 0.5),
  fc.double(),
);

const codeOf = (task: () => unknown): string | undefined => {
  try {
    task();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(OnnxCamError);
    return (error as OnnxCamError).code;
  }
};

describe('the number of elements of a shape', () => {
  it('is one that an array can have, or an error with a code', () => {
    const most = 2 ** 20;
    fc.assert(
      fc.property(fc.array(size, { maxLength: 6 }), dims => {
        const code = codeOf(() => {
          const count = checkedCount(dims, 'it', most);
          expect(count === dims.reduce((product, dim) => product * dim, 1)).toBe(true);
          expect(new Uint8Array(count)).toHaveLength(count);
        });
        const whole = dims.every(dim => Number.isInteger(dim) && dim >= 0);
        if (!whole) expect(code).toBe('ERR_MODEL_INVALID');
        else if (code) expect(code).toBe('ERR_MODEL_UNSUPPORTED');
        else expect(Math.max(1, ...dims.filter(dim => !dims.includes(0) && dim > 0))).toBeLessThanOrEqual(most);
      }),
    );
  });

  it('has bounds, and names the tensor', () => {
    expect(checkedCount([2 ** 10, 2 ** 10], 'it', 2 ** 20)).toBe(2 ** 20);
    expect(checkedCount([], 'it', 1)).toBe(1);
    expect(checkedCount([0, 2 ** 40], 'it', 1)).toBe(0);
    expect(() => checkedCount([2 ** 10, 2 ** 10 + 1], 'tensor "t"', 2 ** 20)).toThrowError(/tensor "t".*\[1024,1025\]/);
    expect(codeOf(() => checkedCount([0, 2 ** 62], 'it', 9))).toBe('ERR_MODEL_UNSUPPORTED');
    expect(codeOf(() => checkedCount(new Array(200_000).fill(1), 'it', 9))).toBe('ERR_MODEL_UNSUPPORTED');
    expect(tensorLimit(3 * 32 * 32)).toBe(2 ** 26);
    expect(tensorLimit(3 * 1024 * 1024)).toBe(3 * 2 ** 30);
  });
});

describe('64-bit integers', () => {
  it('are the number itself, or the nearest there is; fractions, infinity and NaN have a code', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.maxSafeInteger(), size), value => {
        const code = codeOf(() => {
          const integer = toInt64(value);
          expect(BigInt.asIntN(64, integer)).toBe(integer);
          if (Math.abs(value) < 2 ** 63) expect(Number(integer) === value).toBe(true);
        });
        expect(code === undefined).toBe(Number.isInteger(value));
      }),
    );
    // The end of a slice that goes to the end, as a number: one more than the integer it was.
    expect(toInt64(Number(2n ** 63n - 1n))).toBe(2n ** 63n - 1n);
    expect(toInt64s([1, -1, -(2 ** 63)])).toEqual(BigInt64Array.of(1n, -1n, -(2n ** 63n)));
    expect(codeOf(() => toInt64(1 / 3))).toBe('ERR_MODEL_UNSUPPORTED');
  });
});

describe('lists longer than a call takes arguments', () => {
  it('are added, and have a largest and a smallest value and a length', () => {
    const long = Float64Array.from({ length: 300_000 }, (_, i) => i - 150_000);
    const list: number[] = [7];
    pushAll(list, long);
    expect(list).toHaveLength(300_001);
    expect(list.at(-1)).toBe(149_999);
    expect([smallestOf(long), largestOf(long)]).toEqual([-150_000, 149_999]);
    expect(lengthOf(long)).toBeCloseTo(Math.sqrt((2 * 150_000 ** 3) / 3), -6);
  });

  it('agree with what a call gives for short ones', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 8 }), values => {
        expect(largestOf(values)).toBe(Math.max(...values));
        expect(smallestOf(values)).toBe(Math.min(...values));
        const [length, right] = [lengthOf(values), Math.hypot(...values)];
        if (Number.isFinite(right)) expect(Math.abs(length - right)).toBeLessThanOrEqual(1e-12 * right);
      }),
    );
  });
});
