import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Maps, normalize, resize } from '../../lib/kernels/index.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { expectClose, features } from './data.ts';

const KINDS = ['pgc', 'torchcam', 'tkv', 'openvino', 'range'] as const;
const INTERPOLATIONS = ['bilinear', 'align-corners', 'bicubic', 'nearest'] as const;

const maps = (dims: readonly [number, number, number], seed: number): Maps => ({ ...features(dims, seed), dims });

/** Made by torch 2.13: F.interpolate, modes bilinear, bilinear with align_corners, bicubic, nearest-exact. */
const TORCH = {
  bilinear: [1, 1.4000001, 2, 3.20000029, 4, 4.5, 6.30000019, 9, 14.4000015, 18, 8, 11.2000008, 16, 25.6000023, 32],
  'align-corners': [1, 1.5, 2, 3, 4, 4.5, 6.75, 9, 13.5, 18, 8, 12, 16, 24, 32],
  bicubic: [
    0.354694515, 0.488097489, 0.784722328, 1.29322231, 1.64477777, 4.06800079, 5.59800291, 9, 14.8320007, 18.8640003,
    7.78130674, 10.7079086, 17.2152767, 28.3707771, 36.0832214,
  ],
  nearest: [1, 1, 2, 4, 4, 8, 8, 16, 32, 32, 8, 8, 16, 32, 32],
} as const;

describe('normalize', () => {
  it('is its twin, in every convention', async () => {
    for (const dims of [
      [1, 1, 1],
      [3, 5, 7],
      [2, 1, 17],
      [2, 31, 33],
      [5, 200, 200],
    ] as const) {
      for (const kind of KINDS) {
        for (const relu of [false, true]) {
          const source = maps(dims, 1);
          const { data } = await normalize(source, { kind, relu });
          expectClose(data, reference.normalize(source, { kind, relu }).data, 1e-6);
        }
      }
    }
  });

  it('puts every map that is not constant into [0, 1]: its least value on 0, its largest, without epsilon, on 1', async () => {
    const values = fc.float32Array({
      minLength: 2,
      maxLength: 60,
      noNaN: true,
      noDefaultInfinity: true,
      max: 2 ** 100,
      min: -(2 ** 100),
    });
    await fc.assert(
      fc.asyncProperty(values, async data => {
        const source = { data, dims: [1, 1, data.length] as const };
        const result = await normalize(source, { kind: 'range' });
        const constant = data.every(value => value === data[0]);
        expect(Math.min(...result.data)).toBe(0);
        expect(Math.max(...result.data)).toBe(constant ? 0 : 1);
        for (const kind of KINDS) {
          const { data: scaled } = await normalize(source, { kind });
          expect(scaled.every(value => value >= 0 && value <= 1)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('of a constant map is zero, of a map with NaN is NaN, of its neighbours neither', async () => {
    const source = maps([4, 6, 7], 2);
    source.data.fill(3, 0, 42);
    source.data[42 + 41] = Number.NaN;
    source.data.fill(-1, 84, 126);
    for (const kind of KINDS) {
      for (const relu of [false, true]) {
        const { data } = await normalize(source, { kind, relu });
        expectClose(data.subarray(0, 42), new Float32Array(42), 0);
        expect([...data.subarray(42, 84)].every(Number.isNaN)).toBe(true);
        expectClose(data.subarray(84, 126), new Float32Array(42), 0);
        expect([...data.subarray(126)].every(Number.isFinite)).toBe(true);
      }
    }
  });

  it('follows IEEE arithmetic with infinities', async () => {
    const source = { data: Float32Array.of(1, 2, Infinity, 3), dims: [1, 2, 2] as const };
    expectClose((await normalize(source, { kind: 'pgc' })).data, [0, 0, Number.NaN, 0], 0);
  });

  it('takes an epsilon of its own', async () => {
    const source = { data: Float32Array.of(0, 1), dims: [1, 1, 2] as const };
    expectClose((await normalize(source, { kind: 'pgc', epsilon: 1 })).data, [0, 0.5], 1e-7);
  });
});

describe('resize', () => {
  it('is its twin, for any sizes', async () => {
    const side = fc.integer({ min: 1, max: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(fc.integer({ min: 1, max: 3 }), side, side),
        fc.record({ width: side, height: side }),
        fc.constantFrom(...INTERPOLATIONS),
        async (dims, size, interpolation) => {
          const source = maps(dims, 3);
          const result = await resize(source, { ...size, interpolation });
          expect(result.dims).toEqual([dims[0], size.height, size.width]);
          expectClose(result.data, reference.resize(source, { ...size, interpolation }).data, 2e-6);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('of large stacks, off the event loop, is its twin', async () => {
    const source = maps([8, 14, 14], 4);
    for (const interpolation of INTERPOLATIONS) {
      const size = { width: 301, height: 299, interpolation };
      expectClose((await resize(source, size)).data, reference.resize(source, size).data, 2e-6);
    }
  });

  it('keeps constants and stays between least and largest value, but for bicubic', async () => {
    const constant = { data: new Float32Array(12).fill(0.3), dims: [1, 3, 4] as const };
    const random = maps([1, 6, 5], 5);
    for (const interpolation of INTERPOLATIONS) {
      const size = { width: 23, height: 17, interpolation };
      expectClose((await resize(constant, size)).data, new Float32Array(23 * 17).fill(0.3), 1e-6);
      const { data } = await resize(random, size);
      if (interpolation === 'bicubic') continue;
      expect(Math.min(...data)).toBeGreaterThanOrEqual(Math.min(...random.data) - 1e-6);
      expect(Math.max(...data)).toBeLessThanOrEqual(Math.max(...random.data) + 1e-6);
    }
  });

  it('is what PyTorch computes', async () => {
    // F.interpolate of [[1, 2, 4], [8, 16, 32]] to 3 × 5, torch 2.13.
    const source = { data: Float32Array.of(1, 2, 4, 8, 16, 32), dims: [1, 2, 3] as const };
    for (const [interpolation, expected] of Object.entries(TORCH)) {
      const options = { width: 5, height: 3, interpolation: interpolation as keyof typeof TORCH };
      expectClose((await resize(source, options)).data, expected, 1e-6);
    }
  });

  it('spreads NaN only to the pixels that it touches', async () => {
    const source = { data: new Float32Array(49), dims: [1, 7, 7] as const };
    source.data[0] = Number.NaN;
    const { data } = await resize(source, { width: 28, height: 28, interpolation: 'bilinear' });
    expect(data[0]).toBeNaN();
    expect([...data].filter(Number.isNaN).length).toBeLessThanOrEqual(36);
  });
});
