import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { rawPicture } from '../../lib/image/raw-picture.ts';
import { resizeAntialiased, setKernelTier } from '../../lib/kernels/index.ts';
import { decodeImage } from '../helpers/decode-image.ts';
import { largestDifference, type Pixels, texture } from '../image/pictures.ts';
import { describeTiers } from './tiers.ts';

const raw = ({ data, width, height }: Pixels) => rawPicture(data, width, height);
const golden = (name: string) => decodeImage(new URL(`../golden/decode/${name}`, import.meta.url));
const interpolations = ['bilinear', 'bicubic', 'nearest'] as const;

describeTiers('resizeAntialiased', use => {
  beforeEach(use);

  it.each([
    ['down', 64, 48],
    ['narrow', 31, 220],
    ['up', 320, 210],
  ] as const)('is Pillow, bit by bit: %s to %ix%i', async (name, width, height) => {
    const { data, width: fromWidth, height: fromHeight } = await golden('picture.png');
    const picture = rawPicture(data, fromWidth, fromHeight);
    for (const interpolation of interpolations) {
      const window = { x: 0, y: 0, width: Math.min(width, 96), height: Math.min(height, 96) };
      const resized = await resizeAntialiased(picture, { width, height, interpolation, window });
      const expected = await golden(`resized-${name}-${width}x${height}-${interpolation}.png`);
      expect(resized.info).toEqual({ width: expected.width, height: expected.height, channels: 3 });
      expect(largestDifference(resized.data, expected.data)).toBe(0);
    }
  });

  it('gives for a window what the whole result has there', async () => {
    const picture = raw(texture(61, 47));
    for (const interpolation of interpolations) {
      for (const [width, height] of [
        [20, 90],
        [61, 13],
        [100, 47],
      ] as const) {
        const whole = await resizeAntialiased(picture, { width, height, interpolation });
        const window = { x: 5, y: 4, width: 9, height: 8 };
        const part = await resizeAntialiased(picture, { width, height, interpolation, window });
        for (let y = 0; y < 8; y++) {
          const at = 3 * ((4 + y) * width + 5);
          expect(largestDifference(part.data.subarray(27 * y, 27 * y + 27), whole.data.subarray(at, at + 27))).toBe(0);
        }
      }
    }
  });

  it('keeps a picture of unchanged size, and gives a constant for one pixel', async () => {
    const picture = raw(texture(13, 7));
    for (const interpolation of interpolations) {
      const same = await resizeAntialiased(picture, { width: 13, height: 7, interpolation });
      expect(largestDifference(same.data, picture.data)).toBe(0);
      const pixel = rawPicture(Uint8Array.of(7, 255, 0), 1, 1);
      const large = await resizeAntialiased(pixel, { width: 5, height: 3, interpolation });
      expect([...large.data]).toEqual(Array.from({ length: 15 }, () => [7, 255, 0]).flat());
    }
  });

  it('clamps the overshoot of bicubic', async () => {
    const edge = rawPicture(new Uint8Array(3 * 8).fill(255, 12), 8, 1);
    const { data } = await resizeAntialiased(edge, { width: 64, height: 1, interpolation: 'bicubic' });
    expect(Math.max(...data)).toBe(255);
    expect(Math.min(...data)).toBe(0);
    expect(data[3 * 24]).toBe(0);
    expect(data[3 * 39]).toBe(255);
  });

  it('takes the middle of an enormous result without making the rest', async () => {
    const picture = raw(texture(1, 4000));
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

  it('gives the bytes of the plain tier for any size', async () => {
    const size = fc.integer({ min: 1, max: 40 });
    const window = (width: number, height: number) => ({ x: 0, y: 0, width, height });
    await fc.assert(
      fc.asyncProperty(size, size, size, size, fc.constantFrom(...interpolations), async (w, h, width, height, how) => {
        // A buffer of exactly the picture: reading behind its end is for the sanitizers to see.
        const picture = raw(texture(w, h));
        const options = { width, height, interpolation: how, window: window(width, height) };
        use();
        const own = await resizeAntialiased(picture, options);
        setKernelTier('baseline');
        const plain = await resizeAntialiased(picture, options);
        expect(largestDifference(own.data, plain.data)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
