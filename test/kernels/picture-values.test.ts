import fc from 'fast-check';
import { expect, it } from 'vitest';
import { blurPicture, multiplyByMap, type PictureShape } from '../../lib/kernels/picture-values.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { expectClose, features } from './data.ts';

const shapes: fc.Arbitrary<PictureShape> = fc.record({
  channels: fc.integer({ min: 1, max: 4 }),
  height: fc.integer({ min: 1, max: 25 }),
  width: fc.integer({ min: 1, max: 25 }),
  channelsLast: fc.boolean(),
});
const imageOf = ({ channels, height, width }: PictureShape) => features([channels, height, width], 1).data;

it('a picture times a map, and blurred pictures, are their twins', async () => {
  await fc.assert(
    fc.asyncProperty(
      shapes,
      fc.nat(6),
      fc.constantFrom<'zero' | 'reflect'>('zero', 'reflect'),
      async (shape, radius, border) => {
        const image = imageOf(shape);
        const map = features([shape.height, shape.width], 2).data;
        expect(await multiplyByMap(image, shape, map)).toEqual(reference.multiplyByMap(image, shape, map));
        const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => Math.sin(i + 1));
        const expected = reference.blurPicture(image, shape, kernel, border);
        expectClose(await blurPicture(image, shape, kernel, border), expected, 3e-6);
      },
    ),
    { numRuns: 150 },
  );
});

it.each([false, true])('a large picture, channels last %s', async channelsLast => {
  const shape = { channels: 3, height: 224, width: 200, channelsLast };
  const image = imageOf(shape);
  const map = features([224, 200], 2).data;
  expect(await multiplyByMap(image, shape, map)).toEqual(reference.multiplyByMap(image, shape, map));
  // A single one becomes the kernel, mirrored once at the corner.
  const single = new Float32Array(image.length);
  single[channelsLast ? 3 * (200 + 1) : 200 + 1] = 1;
  const kernel = Float64Array.of(0, 1, 2, 3, 4);
  const zero = await blurPicture(single, shape, kernel, 'zero');
  const reflected = await blurPicture(single, shape, kernel, 'reflect');
  const at = (blurred: Float32Array, y: number, x: number) => blurred[(y * 200 + x) * (channelsLast ? 3 : 1)];
  expect([0, 1, 2, 3, 4].map(x => at(zero, 1, x))).toEqual([6, 4, 2, 0, 0]);
  expect([0, 1, 2, 3, 4].map(x => at(reflected, 1, x))).toEqual([8, 4, 2, 0, 0]);
});

it('what does not fit is refused', async () => {
  const shape = { channels: 3, height: 4, width: 5, channelsLast: false };
  const image = imageOf(shape);
  await expectError(() => multiplyByMap(image, shape, new Float32Array(19)), 'ERR_INPUT_SHAPE');
  await expectError(() => multiplyByMap(image.subarray(1), shape, new Float32Array(20)), 'ERR_INPUT_SHAPE');
  await expectError(() => blurPicture(image, shape, new Float64Array(4), 'zero'), 'ERR_OPTION_INVALID', 'odd');
  await expectError(() => blurPicture(image, shape, new Float64Array(0), 'zero'), 'ERR_OPTION_INVALID', 'odd');
  await expectError(() => blurPicture(image, shape, new Float64Array(3), 'wrap' as never), 'ERR_OPTION_INVALID');
  const signal = AbortSignal.abort();
  await expectError(() => blurPicture(image, shape, new Float64Array(3), 'zero', signal), 'ERR_ABORTED');
});
