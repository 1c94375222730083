import fc from 'fast-check';
import { expect, it } from 'vitest';
import { orderPixels } from '../../lib/kernels/pixel-order.ts';
import { orderPixels as twin } from '../../lib/reference/kernels/pixel-order.ts';
import { expectError } from '../helpers/expect-error.ts';

it('the fixture’s map, whose ties keep their order', async () => {
  const map = Float32Array.of(
    0.833333,
    0.625,
    0.208333,
    0,
    0.875,
    0.71875,
    0.40625,
    0.25,
    0.958333,
    0.90625,
    0.802083,
    0.75,
    1,
    1,
    1,
    1,
  );
  expect([...(await orderPixels(map))]).toEqual([12, 13, 14, 15, 8, 9, 4, 0, 10, 11, 5, 1, 6, 7, 2, 3]);
});

it('is its twin: ties, both zeros, infinities, the smallest and largest numbers', async () => {
  const odd = [0, -0, 1, -1, 1e-45, -1e-45, 3.4e38, -3.4e38, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const number = fc.oneof(fc.constantFrom(...odd), fc.float({ noNaN: true }), fc.constantFrom(0.25, 0.5, 0.75));
  await fc.assert(
    fc.asyncProperty(fc.array(number, { maxLength: 300 }), async values => {
      const map = Float32Array.from(values);
      expect(await orderPixels(map)).toEqual(twin(map));
    }),
    { numRuns: 300 },
  );
});

it('large maps, off the event loop: noise, a ramp, few values, none but zeros', async () => {
  const count = 224 * 224;
  for (const value of [
    (i: number) => Math.sin(i * 12.9898),
    (i: number) => -i / count,
    (i: number) => (i * 7919) % 5,
    (i: number) => (i % 2 ? 0 : -0),
  ]) {
    const map = Float32Array.from({ length: count }, (_, i) => value(i));
    expect(await orderPixels(map)).toEqual(twin(map));
  }
});

it('a NaN of either sign has no place', async () => {
  const negative = new Float32Array(new Uint32Array([0xffc00000]).buffer)[0]!;
  for (const nan of [Number.NaN, negative])
    for (const length of [3, 60_000]) {
      const map = new Float32Array(length).fill(0.5);
      map[length - 1] = nan;
      await expectError(() => orderPixels(map), 'ERR_OPTION_INVALID', 'NaN');
    }
});
