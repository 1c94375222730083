import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../lib/common/random.ts';
import { imputePixels } from '../../lib/kernels/impute-pixels.ts';
import { kernelThreads, setKernelThreads } from '../../lib/kernels/index.ts';
import type { PictureShape } from '../../lib/kernels/picture-values.ts';
import { imputePixels as twin } from '../../lib/reference/kernels/impute-pixels.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { describeTiers } from './tiers.ts';

interface Golden {
  readonly kind: string;
  readonly height: number;
  readonly width: number;
  /** Every so many of the removed pixels. */
  readonly step: number;
  /** [channel][pixel] */
  readonly values: readonly (readonly number[])[];
}
const goldens: readonly Golden[] = JSON.parse(readFileSync(new URL('../golden/road.json', import.meta.url), 'utf8'));

/** The formulas of test/golden/make_road.py. */
function imageOf(height: number, width: number): Float32Array {
  const area = height * width;
  return Float32Array.from({ length: 3 * area }, (_, at) => {
    const [i, y] = [at % area, Math.floor((at % area) / width)];
    const rough = ((i * 7919) % 1009) / 1009;
    if (at < area) return 4 * rough - 2;
    if (at < 2 * area) return (i % width) / width - (2 * y) / height + rough / 4;
    return 5 + 10 * ((Math.floor((i % width) / 5) + Math.floor(y / 3)) % 2);
  });
}

const KEPT: Readonly<Record<string, (i: number, height: number, width: number) => boolean>> = {
  disc: (i, height, width) => 3 * far(i, height, width) > height * width,
  outside: (i, height, width) => 6 * far(i, height, width) < height * width,
  scattered: i => (i * 7919 + 13) % 1009 < 505,
  'few left': i => (i * 7919 + 13) % 1009 < 101,
  blocks: (i, _, width) => (Math.floor(Math.floor(i / width) / 4) + Math.floor((i % width) / 4)) % 2 === 0,
  'one left': (i, height, width) => i === Math.floor((height * width) / 3),
  'border left': (i, height, width) =>
    i < width || i >= (height - 1) * width || i % width === 0 || i % width === width - 1,
};
const far = (i: number, height: number, width: number) =>
  (2 * Math.floor(i / width) - height) ** 2 + (2 * (i % width) - width) ** 2;

const removedOf = (kind: string, height: number, width: number) =>
  Uint32Array.from(Array.from({ length: height * width }, (_, i) => i).filter(i => !KEPT[kind]!(i, height, width)));

const shapeOf = (height: number, width: number, channels = 3, channelsLast = false): PictureShape => ({
  channels,
  height,
  width,
  channelsLast,
});

function shuffled(count: number, seed: number): Uint32Array {
  const random = new Random(seed);
  const keys = Float64Array.from({ length: count }, () => random.uniform());
  return Uint32Array.from([...keys.keys()].sort((a, b) => keys[a]! - keys[b]!));
}

describeTiers('imputed pixels', use => {
  it.each(goldens)('are those of a direct solver: $kind of $height × $width', async golden => {
    use();
    const { kind, height, width, step, values } = golden;
    const removed = removedOf(kind, height, width);
    const image = imageOf(height, width);
    const [filled] = await imputePixels(image, shapeOf(height, width), removed, [[0, removed.length]]);
    const area = height * width;
    for (const [c, expected] of values.entries()) {
      const plane = filled!.subarray(c * area, (c + 1) * area);
      const sampled = removed.filter((_, i) => i % step === 0);
      expectClose(
        Float32Array.from(sampled, pixel => plane[pixel]!),
        expected,
        2e-5,
      );
    }
    const gone = new Set(removed);
    expect(filled!.every((value, i) => gone.has(i % area) || value === image[i])).toBe(true);
  });

  it('are their twins, whatever is removed', async () => {
    use();
    const side = fc.integer({ min: 1, max: 13 });
    const parts = fc.tuple(fc.nat(1000), fc.nat(1000));
    const options = fc.record({ noise: fc.constantFrom(0, 0.01, 1), seed: fc.integer() });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(side, side, fc.integer({ min: 1, max: 4 }), fc.boolean()),
        fc.array(parts, { maxLength: 4 }),
        fc.nat(),
        options,
        async ([height, width, channels, channelsLast], bounds, seed, noise) => {
          const shape = shapeOf(height, width, channels, channelsLast);
          const random = new Random(seed);
          const image = Float32Array.from({ length: height * width * channels }, () => random.normal());
          const order = shuffled(height * width, seed);
          const ranges = bounds.map(([a, b]) => {
            const [begin, end] = [a, b].map(bound => bound % (order.length + 1)).sort((x, y) => x - y);
            return [begin!, end!] as const;
          });
          const filled = await imputePixels(image, shape, order, ranges, noise);
          const expected = twin(image, shape, order, ranges, noise);
          expect(filled.length).toBe(ranges.length);
          for (const [i, picture] of filled.entries()) expectClose(picture, expected[i]!, 5e-6);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('imputed pixels', () => {
  const threads = kernelThreads();
  afterAll(() => setKernelThreads(threads));

  it('of the examples of the paper’s weights', async () => {
    const image = Float32Array.of(1, 2, 3, 4, 0, 6, 7, 8, 9);
    const order = Uint32Array.of(4, 0);
    const [centre, both] = await imputePixels(image, shapeOf(3, 3, 1), order, [
      [0, 1],
      [0, 2],
    ]);
    expectClose(centre!, [1, 2, 3, 4, 5, 6, 7, 8, 9], 1e-6);
    expectClose(both!, [3.440678, 2, 3, 4, 5.20339, 6, 7, 8, 9], 1e-6);
  });

  it('nothing removed is the picture, everything removed is zeros, pixels may be named twice', async () => {
    const image = imageOf(6, 5);
    const order = Uint32Array.of(...Array.from({ length: 30 }, (_, i) => i), 7, 7, 7);
    const [none, all, once, twice] = await imputePixels(image, shapeOf(6, 5), order, [
      [4, 4],
      [0, 30],
      [7, 8],
      [30, 33],
    ]);
    expect(none).toEqual(image);
    expect(all).toEqual(new Float32Array(image.length));
    expect(twice).toEqual(once);
    expect(await imputePixels(image, shapeOf(6, 5), order, [])).toEqual([]);
    const [single] = await imputePixels(Float32Array.of(3), shapeOf(1, 1, 1), Uint32Array.of(0), [[0, 1]]);
    expect(single).toEqual(Float32Array.of(0));
  });

  it('the same numbers for any number of threads, in any company', async () => {
    const [height, width] = [61, 48];
    const [image, shape, order] = [imageOf(height, width), shapeOf(height, width), shuffled(height * width, 1)];
    const ranges = [0.1, 0.3, 0.5, 0.7, 0.9].map(share => [0, Math.round(share * order.length)] as const);
    const options = { noise: 0.1, seed: 3 };
    setKernelThreads(1);
    const alone = await Promise.all(
      ranges.map(async range => (await imputePixels(image, shape, order, [range], options))[0]),
    );
    setKernelThreads(4);
    expect(await imputePixels(image, shape, order, ranges, options)).toEqual(alone);
  });

  it('noise has its deviation, and another one for each seed and range', async () => {
    const [image, shape, order] = [imageOf(80, 90), shapeOf(80, 90), shuffled(7200, 2)];
    const ranges = [
      [0, 3600],
      [0, 3601],
    ] as const;
    const plain = await imputePixels(image, shape, order, ranges);
    const noisy = await imputePixels(image, shape, order, ranges, { noise: 0.5 });
    const other = await imputePixels(image, shape, order, ranges, { noise: 0.5, seed: 1 });
    const noiseOf = (pictures: readonly Float32Array[], i: number) =>
      [...order.subarray(0, 3600)].map(pixel => pictures[i]![pixel]! - plain[i]![pixel]!);
    const draws = [noiseOf(noisy, 0), noiseOf(noisy, 1), noiseOf(other, 0)];
    for (const draw of draws) {
      const square = draw.reduce((sum, value) => sum + value * value, 0) / draw.length;
      expect(Math.sqrt(square)).toBeCloseTo(0.5, 1);
      for (const rival of draws.filter(one => one !== draw)) {
        const product = draw.reduce((sum, value, i) => sum + value * rival[i]!, 0) / draw.length;
        expect(Math.abs(product)).toBeLessThan(0.02);
      }
    }
  });

  it('a value that is not finite makes its channel NaN where it was removed', async () => {
    const image = imageOf(8, 8);
    image[3] = Number.POSITIVE_INFINITY;
    const order = Uint32Array.of(20, 21, 28);
    const [filled] = await imputePixels(image, shapeOf(8, 8), order, [[0, 3]]);
    expect([...order].map(pixel => filled![pixel])).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect([...order].every(pixel => Number.isFinite(filled![64 + pixel]!))).toBe(true);
  });

  it('ranges and pixels that are not there are refused', async () => {
    const image = imageOf(4, 4);
    const impute = (order: Uint32Array, range: readonly [number, number], options = {}) =>
      imputePixels(image, shapeOf(4, 4), order, [range], options);
    const order = Uint32Array.of(1, 2, 16);
    await expectError(() => impute(order, [0, 4]), 'ERR_INPUT_SHAPE', '0 to 4');
    await expectError(() => impute(order, [2, 1]), 'ERR_INPUT_SHAPE');
    await expectError(() => impute(order, [-1, 1]), 'ERR_INPUT_SHAPE', '-1');
    await expectError(() => impute(order, [0, 1.5]), 'ERR_INPUT_SHAPE', '1.5');
    await expectError(() => impute(order, [0, 3]), 'ERR_INPUT_SHAPE', 'pixel 16');
    await expectError(() => impute(order, [0, 1], { noise: Number.NaN }), 'ERR_OPTION_INVALID', 'noise');
    await expectError(() => imputePixels(image, shapeOf(4, 5), order, [[0, 1]]), 'ERR_INPUT_SHAPE');
  });

  it('is aborted in the middle', async () => {
    const [image, shape, order] = [imageOf(400, 400), shapeOf(400, 400), shuffled(160_000, 3)];
    const ranges = Array.from({ length: 60 }, (_, i) => [0, 150_000 - i] as const);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const started = performance.now();
    await expectError(() => imputePixels(image, shape, order, ranges, { signal: controller.signal }), 'ERR_ABORTED');
    expect(performance.now() - started).toBeLessThan(600);
  });
});
