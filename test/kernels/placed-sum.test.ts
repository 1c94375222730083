import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../lib/kernels/native.ts';
import type { Term } from '../../lib/kernels/reductions.ts';
import * as direct from '../../lib/kernels/unchecked.ts';

const TERMS: readonly Term[] = ['product', 'positive-product', 'positive-gradient'];

const wave = (length: number, step: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * step) * 3);
const axis = fc.record({
  length: fc.integer({ min: 1, max: 60 }),
  scale: fc.double({ min: 0.05, max: 2, noNaN: true }),
  offset: fc.double({ min: -9, max: 9, noNaN: true }),
  begin: fc.constant(0),
  end: fc.constant(1),
});

describe('placedSum', () => {
  it('is the sum, the stretch and the placing of one image, to the bit', async () => {
    const shape = fc.tuple(
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
    );
    const factors = fc.constantFrom('weights', 'lazy', 'full');
    const stretch = fc.record({ epsilon: fc.constantFrom(0, 1e-8), relu: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        shape,
        factors,
        fc.constantFrom(...TERMS),
        stretch,
        axis,
        axis,
        async ([c, h, w], kind, term, { epsilon, relu }, x, y) => {
          const activations = { data: wave(c * h * w, 12.9898), dims: [1, c, h, w] };
          const gradients =
            kind === 'weights'
              ? wave(c, 7.1)
              : kind === 'lazy'
                ? { data: wave(c, 7.1), dims: [1, c, 1, 1] }
                : { data: wave(c * h * w, 7.1), dims: [1, c, h, w] };
          const { raw, placed } = await direct.placedSum(term, activations, gradients, { epsilon, relu }, { x, y });
          const sum = await direct.channelSum(term, activations, gradients);
          expect(raw).toEqual(sum);
          const expected = await direct.placeMaps(await direct.normalize(sum, epsilon, relu), x, y);
          expect(placed).toEqual(expected);
        },
      ),
    );
  });

  it('takes large work off the event loop', async () => {
    const activations = { data: wave(64 * 56 * 56, 12.9), dims: [1, 64, 56, 56] };
    const grid = { length: 900, scale: 56 / 900, offset: 0, begin: 0, end: 900 };
    const pending = direct.placedSum(
      'product',
      activations,
      wave(64, 7.1),
      { epsilon: 0, relu: true },
      { x: grid, y: grid },
    );
    expect(pending).toBeInstanceOf(Promise);
    const { raw, placed } = await pending;
    const sum = await direct.channelSum('product', activations, wave(64, 7.1));
    expect(raw).toEqual(sum);
    const expected = await direct.placeMaps(await direct.normalize(sum, 0, true), grid, grid);
    expect(Buffer.compare(new Uint8Array(placed.data.buffer), new Uint8Array(expected.data.buffer))).toBe(0);
  });

  it('refuses arrays that do not hold what the dimensions call for', () => {
    const numbers = [1, 0, 0, 4, 1, 0, 0, 4] as const;
    const call = (activations: number, factors: number, lazy: boolean, raw: number) => () =>
      native().placedSum(
        'product',
        3,
        2,
        2,
        new Float32Array(activations),
        new Float32Array(factors),
        lazy,
        0,
        true,
        4,
        4,
        ...numbers,
        new Float32Array(raw),
      );
    expect(call(12, 3, true, 4)).not.toThrow();
    for (const [activations, factors, lazy, raw] of [
      [11, 3, true, 4],
      [12, 12, true, 4],
      [12, 3, false, 4],
      [12, 3, true, 3],
    ] as const)
      expect(call(activations, factors, lazy, raw)).toThrow(expect.objectContaining({ code: 'ERR_INPUT_SHAPE' }));
  });
});
