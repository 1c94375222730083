import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeMaps } from '../../lib/kernels/place-maps.ts';
import { placeMaps as twin } from '../../lib/reference/kernels/place-maps.ts';
import { largestDifference } from '../image/pictures.ts';

describe('placeMaps', () => {
  it('is the half-pixel resize when the grid covers the map', async () => {
    // The example of F.interpolate(align_corners=False).
    const maps = { data: Float32Array.of(0, 1, 2, 3), dims: [1, 2, 2] as const };
    const axis = { length: 4, scale: 0.5, offset: 0, begin: 0, end: 4 };
    const { data, dims } = await placeMaps(maps, axis, axis);
    expect(dims).toEqual([1, 4, 4]);
    expect([...data]).toEqual([0, 0.25, 0.75, 1, 0.5, 0.75, 1.25, 1.5, 1.5, 1.75, 2.25, 2.5, 2, 2.25, 2.75, 3]);
  });

  it('is its twin, for any mapping', async () => {
    const axis = fc
      .record({
        length: fc.integer({ min: 1, max: 90 }),
        scale: fc.double({ min: -2, max: 2, noNaN: true }),
        offset: fc.double({ min: -9, max: 9, noNaN: true }),
        a: fc.nat(999),
        b: fc.nat(999),
      })
      .map(({ length, scale, offset, a, b }) => {
        const begin = Math.min(a, b) % (length + 1);
        return { length, scale, offset, begin, end: begin + (Math.max(a, b) % (length - begin + 1)) };
      });
    const side = fc.integer({ min: 1, max: 9 });
    await fc.assert(
      fc.asyncProperty(fc.tuple(fc.integer({ min: 1, max: 3 }), side, side), axis, axis, async (dims, x, y) => {
        const data = Float32Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) => Math.sin(i * 12.9898) * 3);
        const maps = { data, dims };
        const result = await placeMaps(maps, x, y);
        const expected = twin(maps, x, y);
        expect(result.dims).toEqual(expected.dims);
        expect(largestDifference(result.data, expected.data)).toBeLessThan(2e-6);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses what does not fit', async () => {
    const maps = { data: new Float32Array(4), dims: [1, 2, 2] as const };
    const axis = { length: 4, scale: 1, offset: 0, begin: 0, end: 4 };
    for (const [input, x] of [
      [{ ...maps, dims: [1, 2, 3] as const }, axis],
      [{ data: new Float32Array(0), dims: [1, 0, 0] as const }, axis],
      [maps, { ...axis, end: 5 }],
      [maps, { ...axis, begin: 3, end: 2 }],
      [maps, { ...axis, begin: -1 }],
      [maps, { ...axis, scale: Number.NaN }],
      [maps, { ...axis, length: 3.5 }],
    ] as const) {
      await expect(placeMaps(input, x, axis)).rejects.toMatchObject({ code: 'ERR_INPUT_SHAPE' });
    }
  });
});
