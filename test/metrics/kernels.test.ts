import { expect, it } from 'vitest';
import { REFLECTED_KERNEL, RISE_KERNEL } from '../../lib/metrics/baseline.ts';
import { expectClose } from '../helpers/expect-close.ts';

it('RISE’s kernel is SciPy’s gaussian_filter of a single one in 11 cells', () => {
  // scipy.ndimage.gaussian_filter1d(delta, 5), SciPy 1.17.
  const half = [
    0.08795814577727815, 0.08889611977709484, 0.09047419654910865, 0.09219111781938806, 0.09348938844291409,
  ];
  expectClose(RISE_KERNEL, [...half, 0.09398206326843249, ...half.toReversed()], 1e-16);
});

it('the reflecting blur’s kernel is a Gaussian cut off and scaled to a sum of 1', () => {
  expect(REFLECTED_KERNEL.length).toBe(11);
  expect(REFLECTED_KERNEL.reduce((sum, weight) => sum + weight)).toBeCloseTo(1, 12);
  expect(REFLECTED_KERNEL[0]! / REFLECTED_KERNEL[5]!).toBeCloseTo(Math.exp(-0.5), 12);
});
