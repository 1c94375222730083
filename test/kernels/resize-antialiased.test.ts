import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../lib/image/decode.ts';
import { resizeAntialiased as twin } from '../../lib/kernels/reference-picture.ts';
import { resizeAntialiased } from '../../lib/kernels/resize-antialiased.ts';
import { largestDifference, texture } from '../image/pictures.ts';

const golden = (name: string) => decodeImage(new URL(`../golden/decode/${name}`, import.meta.url));
const interpolations = ['bilinear', 'bicubic', 'nearest'] as const;

describe('resizeAntialiased', () => {
  it.each([
    ['down', 64, 48],
    ['narrow', 31, 220],
    ['up', 320, 210],
  ] as const)('is Pillow, bit by bit: %s to %ix%i', async (name, width, height) => {
    const picture = await golden('picture.png');
    for (const interpolation of interpolations) {
      const window = { x: 0, y: 0, width: Math.min(width, 96), height: Math.min(height, 96) };
      const resized = await resizeAntialiased(picture, { width, height, interpolation, window });
      const expected = await golden(`resized-${name}-${width}x${height}-${interpolation}.png`);
      expect([resized.width, resized.height]).toEqual([expected.width, expected.height]);
      expect(largestDifference(resized.data, expected.data)).toBe(0);
    }
  });

  it('is its twin, for any size and window', async () => {
    const side = fc.integer({ min: 1, max: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.record({ fromWidth: side, fromHeight: side, width: side, height: side }),
        fc.constantFrom(...interpolations),
        fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99), fc.nat(99)),
        async ({ fromWidth, fromHeight, width, height }, interpolation, [a, b, c, d]) => {
          const picture = texture(fromWidth, fromHeight);
          const x = a % width;
          const y = b % height;
          const window = { x, y, width: 1 + (c % (width - x)), height: 1 + (d % (height - y)) };
          const options = { width, height, interpolation, window };
          const result = await resizeAntialiased(picture, options);
          expect(largestDifference(result.data, twin(picture, options).data)).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('keeps a picture of unchanged size, and gives a constant for one pixel', async () => {
    const picture = texture(13, 7);
    for (const interpolation of interpolations) {
      const same = await resizeAntialiased(picture, { width: 13, height: 7, interpolation });
      expect(largestDifference(same.data, picture.data)).toBe(0);
      const pixel = { data: Uint8Array.of(7, 255, 0), width: 1, height: 1 };
      const large = await resizeAntialiased(pixel, { width: 5, height: 3, interpolation });
      expect([...large.data]).toEqual(Array.from({ length: 15 }, () => [7, 255, 0]).flat());
    }
  });

  it('clamps the overshoot of bicubic', async () => {
    const edge = { data: new Uint8Array(3 * 8), width: 8, height: 1 };
    edge.data.fill(255, 12);
    const { data } = await resizeAntialiased(edge, { width: 64, height: 1, interpolation: 'bicubic' });
    expect(Math.max(...data)).toBe(255);
    expect(Math.min(...data)).toBe(0);
    expect(data[3 * 24]).toBe(0);
    expect(data[3 * 39]).toBe(255);
  });

  it('takes the middle of an enormous result without making the rest', async () => {
    const picture = texture(1, 4000);
    const window = { x: 0, y: 447_888, width: 224, height: 224 };
    const { data } = await resizeAntialiased(picture, {
      width: 224,
      height: 896_000,
      interpolation: 'bilinear',
      window,
    });
    expect(data.length).toBe(224 * 224 * 3);
    expect(data[2]).toBe(picture.data[3 * 1999 + 2]);
  });

  it('refuses what does not fit', async () => {
    const picture = texture(4, 4);
    const options = { width: 2, height: 2, interpolation: 'bilinear' } as const;
    for (const [image, change] of [
      [{ ...picture, width: 5 }, {}],
      [{ ...picture, width: 0 }, {}],
      [picture, { width: 0 }],
      [picture, { width: 1.5 }],
      [picture, { window: { x: 1, y: 0, width: 2, height: 2 } }],
      [picture, { window: { x: 0, y: -1, width: 2, height: 2 } }],
    ] as const) {
      await expect(resizeAntialiased(image, { ...options, ...change })).rejects.toMatchObject({
        code: 'ERR_INPUT_SHAPE',
      });
    }
  });
});
