import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Random } from '../../lib/common/random.ts';
import { meanAtSize } from '../../lib/kernels/mean-at-size.ts';
import { meanAtSize as twin } from '../../lib/reference/kernels/maps.ts';
import { expectClose } from '../helpers/expect-close.ts';

const side = fc.integer({ min: 1, max: 30 });

it('is the mean of what each stack is at that size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(side, side), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 5 }),
      side,
      side,
      fc.nat(),
      async (sizes, count, height, width, seed) => {
        const random = new Random(seed);
        const stacks = sizes.map(([h, w]) => ({
          data: Float32Array.from({ length: count * h * w }, () => random.normal()),
          dims: [count, h, w] as const,
        }));
        const { data, dims } = await meanAtSize(stacks, { width, height });
        expect(dims).toEqual([count, height, width]);
        expectClose(data, twin(stacks, { width, height }).data, 1e-5);
      },
    ),
    { numRuns: 100 },
  );
});

it('refuses stacks of other counts', async () => {
  const map = (count: number) => ({ data: new Float32Array(4 * count), dims: [count, 2, 2] as const });
  await expect(meanAtSize([map(1), map(2)], { width: 3, height: 3 })).rejects.toMatchObject({
    code: 'ERR_INPUT_SHAPE',
  });
  await expect(meanAtSize([], { width: 3, height: 3 })).rejects.toThrow();
});
