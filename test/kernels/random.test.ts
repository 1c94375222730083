import { expect, it } from 'vitest';
import { NoiseSource, normalMagnitudes, randomGrids } from '../../lib/kernels/random.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { expectClose, features } from './data.ts';

it.each([
  [1, 1, 1],
  [3, 105, 2],
  [2, 31 * 33 * 3, 2],
  [4, 50_001, 4],
])('noise on %i images of %i values, %i of them noisy, goes on from copy to copy', async (count, size, noisy) => {
  const images = features([count, size], 1).data;
  const copies = reference.noisyCopies(images, count, noisy, 0.3, { seed: 7, copies: 3 });
  const source = new NoiseSource(7);
  for (const expected of copies) {
    const copy = await source.addTo(images, count, noisy, 0.3);
    expectClose(copy, expected, 1e-7);
    expect(copy.subarray(noisy * size)).toEqual(images.subarray(noisy * size));
  }
});

it('random numbers are those of the seed, whatever their sign', async () => {
  for (const seed of [0, 5, -1, 4294967295]) {
    expectClose(await normalMagnitudes(seed, 20_001), reference.normalMagnitudes(seed, 20_001), 1e-7);
    const grids = [seed, 321, 49, [32, 17], 0.3] as const;
    expect(await randomGrids(...grids)).toEqual(reference.randomGrids(...grids));
  }
});
