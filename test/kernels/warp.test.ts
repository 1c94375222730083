import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../lib/common/random.ts';
import { kernelThreads, setKernelThreads } from '../../lib/kernels/index.ts';
import { type Mapping, rotation, translation, type WarpShape, warp } from '../../lib/kernels/warp.ts';
import { warp as twin } from '../../lib/reference/kernels/warp.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { describeTiers } from './tiers.ts';

function imageOf(seed: number, count: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}

const mappings: fc.Arbitrary<Mapping> = fc.oneof(
  fc
    .tuple(fc.double({ min: -4, max: 4, noNaN: true }), fc.nat(30), fc.nat(30))
    .map(([angle, height, width]) => rotation(angle, { height, width })),
  fc
    .tuple(fc.integer({ min: -9, max: 9 }), fc.double({ min: -9, max: 9, noNaN: true }))
    .map(([x, y]) => translation(x, y)),
  fc.array(fc.double({ min: -3, max: 3, noNaN: true }), {
    minLength: 6,
    maxLength: 6,
  }) as unknown as fc.Arbitrary<Mapping>,
);

describeTiers('warped pictures', use => {
  it('are their twins, in any layout and under any mapping', async () => {
    use();
    const side = fc.integer({ min: 1, max: 45 });
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          planes: fc.integer({ min: 1, max: 3 }),
          inner: fc.integer({ min: 1, max: 4 }),
          height: side,
          width: side,
        }),
        fc.array(mappings, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.boolean(),
        fc.nat(),
        async (shape, several, shared, filled, seed) => {
          const size = shape.planes * shape.inner * shape.height * shape.width;
          const images = imageOf(seed, shared ? size : several.length * size);
          const options = filled ? { fill: imageOf(seed + 1, shape.planes * shape.inner) } : {};
          const result = await warp(images, shape, several, options);
          expectClose(result, twin(images, shape, several, options), 3e-6);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('under the identity are copies, bit for bit', async () => {
    use();
    for (const shape of [
      { planes: 3, height: 17, width: 31 },
      { planes: 1, height: 17, width: 31, inner: 3 },
      { planes: 2, height: 1, width: 40 },
    ]) {
      const image = imageOf(1, shape.planes * shape.height * shape.width * (shape.inner ?? 1));
      expect(await warp(image, shape, [translation(0, 0)])).toEqual(image);
      expect(await warp(image, shape, [rotation(0, shape)])).toEqual(image);
    }
  });
});

describe('warped pictures', () => {
  const threads = kernelThreads();
  afterAll(() => setKernelThreads(threads));
  const square: WarpShape = { planes: 1, height: 3, width: 3 };
  const digits = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);

  it('move right and down, blend with what lies outside, and turn counter-clockwise', async () => {
    expect([...(await warp(digits, square, [translation(1, 0)]))]).toEqual([0, 1, 2, 0, 4, 5, 0, 7, 8]);
    expect([...(await warp(digits, square, [translation(0, 1)]))]).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 6]);
    expect([...(await warp(digits, square, [translation(-0.5, 0)]))]).toEqual([
      1.5, 2.5, 1.5, 4.5, 5.5, 3, 7.5, 8.5, 4.5,
    ]);
    const fill = Float32Array.of(10);
    const [, , corner] = await warp(digits, square, [translation(-0.5, 0)], { fill });
    expect(corner).toBe(6.5);
    const turned = await warp(digits, square, [rotation(Math.PI / 2, square)]);
    expectClose(turned, [3, 6, 9, 2, 5, 8, 1, 4, 7], 1e-6);
  });

  it('that are far away or of no finite place are what lies outside', async () => {
    const fill = Float32Array.of(-2);
    for (const mapping of [translation(1e300, 0), translation(0, -4), [1e308, 1e308, 1e308, 0, 1, 0] as const]) {
      expect([...(await warp(digits, square, [mapping], { fill }))].slice(1)).toEqual(Array(8).fill(-2));
    }
  });

  it('a NaN spreads to the pixels that touch it, and no further', async () => {
    const image = digits.slice();
    image[4] = Number.NaN;
    const moved = await warp(image, square, [translation(2, 0)]);
    expect([...moved]).toEqual([0, 0, Number.NaN, 0, 0, Number.NaN, 0, 0, 7]);
  });

  it('come one from each picture, or all from one, with any number of threads', async () => {
    const shape = { planes: 3, height: 61, width: 83 };
    const size = 3 * 61 * 83;
    const several = Array.from({ length: 20 }, (_, i) => rotation(i / 10, shape));
    const image = imageOf(3, size);
    setKernelThreads(1);
    const alone = await warp(image, shape, several);
    setKernelThreads(4);
    expect(await warp(image, shape, several)).toEqual(alone);
    const repeated = new Float32Array(20 * size);
    for (let i = 0; i < 20; i++) repeated.set(image, i * size);
    expect(await warp(repeated, shape, several)).toEqual(alone);
  });

  it('refuse what does not fit', async () => {
    const one = [translation(0, 0)];
    await expectError(() => warp(digits, { ...square, width: 4 }, one), 'ERR_INPUT_SHAPE', '12');
    await expectError(() => warp(digits, { ...square, planes: 0 }, one), 'ERR_INPUT_SHAPE');
    await expectError(() => warp(digits, { ...square, inner: 1.5 }, one), 'ERR_INPUT_SHAPE');
    await expectError(() => warp(digits, { planes: 1, height: 65536, width: 65535 }, one), 'ERR_INPUT_SHAPE', '2^31');
    await expectError(() => warp(digits, { planes: 9, height: 2e9, width: 2e9 }, one), 'ERR_INPUT_SHAPE');
    await expectError(() => warp(digits, square, []), 'ERR_INPUT_SHAPE');
    await expectError(() => warp(digits, square, one, { fill: new Float32Array(2) }), 'ERR_INPUT_SHAPE');
    await expectError(() => warp(digits, square, [translation(Number.NaN, 0)]), 'ERR_OPTION_INVALID', 'finite');
    await expectError(() => warp(digits, square, [[1, 0, 0] as never]), 'ERR_OPTION_INVALID', 'six');
  });

  it('are aborted in the middle', async () => {
    const shape = { planes: 3, height: 500, width: 500 };
    const several = Array.from({ length: 200 }, (_, i) => rotation(i / 10, shape));
    const controller = new AbortController();
    const warped = warp(imageOf(1, 750_000), shape, several, { signal: controller.signal });
    setTimeout(() => controller.abort(), 10);
    await expectError(() => warped, 'ERR_ABORTED');
  });
});
