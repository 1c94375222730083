import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../lib/common/random.ts';
import {
  colorize,
  imageToTensor,
  overlay,
  type PixelImage,
  resizeAntialiased,
  resizeAntialiasedDeep,
  resizeAntialiasedFloat,
} from '../../lib/kernels/index.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { expectClose, features } from './data.ts';

const FILTERS = ['bilinear', 'bicubic', 'nearest'] as const;

function noise(width: number, height: number, channels: number, seed = 1): PixelImage {
  const random = new Random(seed);
  const data = Uint8Array.from({ length: width * height * channels }, () => random.bits() & 255);
  return { data, info: { width, height, channels } };
}

/** `toEqual` takes seconds for half a million bytes. */
function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  expect(actual.findIndex((value, i) => value !== expected[i])).toBe(-1);
}

describe('pictures of more than 8 bits', () => {
  const info = { width: 37, height: 23, channels: 3 };
  const random = new Random(3);
  const values = Array.from({ length: 37 * 23 * 3 }, () => random.bits() / 7 - 1000);

  it.each([Float32Array, Float64Array])('keep their values when resized and normalised (%o)', async Values => {
    const image = { data: Values.from(values), info };
    for (const interpolation of FILTERS)
      for (const [width, height] of [
        [11, 50],
        [37, 9],
      ] as const) {
        const options = { width, height, interpolation, window: { x: 2, y: 3, width: 7, height: 6 } };
        const resized = await resizeAntialiasedDeep(image, options);
        expect(resized.data).toBeInstanceOf(Values);
        expect(resized.info).toEqual({ width: 7, height: 6, channels: 3 });
        expectClose(Float32Array.from(resized.data), reference.resizeAntialiasedFloat(image, options), 2e-6);
        for (const layout of ['nchw', 'nhwc'] as const) {
          const range = { mean: [0.4, 0.5, 0.6], std: 2, scale: 1e-6, layout, channelOrder: 'bgr' } as const;
          expectClose(await imageToTensor(resized, range), reference.imageToTensor(resized, range), 1e-6);
        }
      }
  });

  it('doubles hold differences that floats do not', async () => {
    const image = { data: Float64Array.of(2_000_000_001, 2_000_000_002), info: { width: 2, height: 1, channels: 1 } };
    expectClose(await imageToTensor(image, { mean: 2e9, std: 1, scale: 1 }), [1, 2], 1e-7);
  });
});

describe('imageToTensor', () => {
  const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

  it('is its twin in every order and layout', async () => {
    for (const [width, height] of [
      [1, 1],
      [7, 5],
      [224, 224],
      [640, 480],
    ] as const) {
      const image = noise(width, height, 3);
      for (const channelOrder of ['rgb', 'bgr'] as const) {
        for (const layout of ['nchw', 'nhwc'] as const) {
          const options = { ...imagenet, channelOrder, layout };
          expectClose(await imageToTensor(image, options), reference.imageToTensor(image, options), 1e-7);
        }
      }
      const grey = noise(width, height, 1);
      const options = { mean: 127.5, std: 127.5, scale: 1 };
      expectClose(await imageToTensor(grey, options), reference.imageToTensor(grey, options), 1e-7);
    }
  });

  it('writes into an array of the caller’s', async () => {
    const image = noise(7, 5, 3);
    const unit = { mean: 0, std: 1 };
    const out = new Float32Array(105);
    expect(await imageToTensor(image, { ...unit, out })).toBe(out);
    expect(out).toEqual(await imageToTensor(image, unit));
    const smaller = { width: 4, height: 3, interpolation: 'bilinear' } as const;
    const bytes = new Uint8Array(36);
    expect((await resizeAntialiased(image, { ...smaller, out: bytes })).data).toBe(bytes);
    expect(bytes).toEqual((await resizeAntialiased(image, smaller)).data);
    await expect(imageToTensor(image, { ...unit, out: new Float32Array(104) })).rejects.toMatchObject({
      code: 'ERR_INPUT_SHAPE',
    });
  });

  it('puts values and channels where they belong', async () => {
    const image = { data: Uint8Array.of(0, 51, 102, 153, 204, 255), info: { width: 2, height: 1, channels: 3 } };
    const unit = { mean: 0, std: 1 };
    expectClose(await imageToTensor(image, unit), [0, 0.6, 0.2, 0.8, 0.4, 1], 1e-7);
    expectClose(await imageToTensor(image, { ...unit, layout: 'nhwc' }), [0, 0.2, 0.4, 0.6, 0.8, 1], 1e-7);
    expectClose(await imageToTensor(image, { ...unit, channelOrder: 'bgr' }), [0.4, 1, 0.2, 0.8, 0, 0.6], 1e-7);
    // mean and std are in the model's order.
    const bgr = { mean: [102, 51, 0], std: [1, 2, 4], scale: 1, channelOrder: 'bgr' } as const;
    expectClose(await imageToTensor(image, bgr), [0, 153, 0, 76.5, 0, 38.25], 1e-7);
  });
});

describe('resizeAntialiased', () => {
  it('is its twin for any size, window and number of channels', async () => {
    const side = fc.integer({ min: 1, max: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.record({ fromWidth: side, fromHeight: side, width: side, height: side }),
        fc.constantFrom(...FILTERS),
        fc.constantFrom(1, 3, 4),
        fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99), fc.nat(99)),
        async ({ fromWidth, fromHeight, width, height }, interpolation, channels, [a, b, c, d]) => {
          const image = noise(fromWidth, fromHeight, channels);
          const x = a % width;
          const y = b % height;
          const window = { x, y, width: 1 + (c % (width - x)), height: 1 + (d % (height - y)) };
          const options = { width, height, interpolation, window };
          const result = await resizeAntialiased(image, options);
          const twin = reference.resizeAntialiased(image, options);
          expect(result.info).toEqual(twin.info);
          expectBytes(result.data, twin.data);
          const float = await resizeAntialiasedFloat(image, options);
          expectClose(float, reference.resizeAntialiasedFloat(image, options), 2e-6);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('of a large picture, with threads, is its twin', async () => {
    const image = noise(900, 700, 3);
    for (const interpolation of FILTERS) {
      const options = { width: 224, height: 200, interpolation };
      expectBytes((await resizeAntialiased(image, options)).data, reference.resizeAntialiased(image, options).data);
    }
  });
});

describe('colorize and overlay', () => {
  const table = Uint8Array.from({ length: 768 }, (_, i) => (i % 3 === 0 ? i / 3 : (i * 7) % 256));

  it('are their twins', async () => {
    for (const [width, height] of [
      [1, 1],
      [13, 7],
      [500, 300],
    ] as const) {
      const picture = noise(width, height, 3);
      const map = { data: features([height, width], 2).data.map(Math.abs), width, height };
      expectBytes(await colorize(map, table), reference.colorize(map, table));
      for (const alpha of [0, 0.5, 1]) {
        const result = await overlay(picture, map, table, alpha);
        expectBytes(result, reference.overlay(picture, map, table, alpha));
        // Also over the picture's own pixels.
        const own = { ...picture, data: picture.data.slice() };
        expect(await overlay(own, map, table, alpha, { out: own.data })).toBe(own.data);
        expectBytes(own.data, result);
      }
      // Other alphas are not exact in fixed point: a half may round to either side.
      const result = await overlay(picture, map, table, 0.3);
      const twin = reference.overlay(picture, map, table, 0.3);
      expect(result.every((value, i) => Math.abs(value - twin[i]!) <= 1)).toBe(true);
    }
  });

  it('truncate, clamp, and take NaN for 0', async () => {
    const data = Float32Array.of(0, 0.5, 1, 254.9 / 255, -1, 2, Number.NaN, Infinity);
    const colors = await colorize({ data, width: 4, height: 2 }, table);
    expect([...colors].filter((_, i) => i % 3 === 0)).toEqual([0, 127, 255, 254, 0, 255, 0, 255]);
  });
});
