import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type Plane } from './cases.ts';

const line = (data: number[]): Plane => ({ data, width: data.length, height: 1 });
const MAPS = fc
  .array(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 40 })
  .filter(values => values.some(value => value > 0));

describe('complexity', () => {
  it('of all in one pixel, and of all alike', async () => {
    const one = line([0, 0, 1, 0]);
    const flat = line([0.5, 0.5, 0.5, 0.5]);
    expect((await judge('sparseness', one)).value).toBe(0.75);
    expect((await judge('sparseness', flat)).value).toBe(0);
    expect(await judge('entropy', one)).toEqual({ value: 0, details: { relative: 0 } });
    expect((await judge('entropy', flat)).details!.relative).toBeCloseTo(1, 12);
    expect(await judge('effective-complexity', one)).toEqual({ value: 1, details: { share: 0.25 } });
    expect((await judge('effective-complexity', line([0, 0]))).value).toBe(0);
  });

  it('counts negative values by their size', async () => {
    const [signed, absolute] = [line([-1, 0.25, 0, 0.5]), line([1, 0.25, 0, 0.5])];
    for (const name of ['sparseness', 'entropy', 'effective-complexity'])
      expect((await judge(name, signed)).value).toBe((await judge(name, absolute)).value);
  });

  it('lies in its range and does not depend on the scale or the order of the pixels', async () => {
    await fc.assert(
      fc.asyncProperty(MAPS, async values => {
        const map = values.map(value => value / 128);
        const n = map.length;
        const bounds: Record<string, number> = {
          sparseness: 1 - 1 / n,
          entropy: Math.log(n),
          'effective-complexity': n,
        };
        for (const [name, bound] of Object.entries(bounds)) {
          const value = (await judge(name, line(map))).value!;
          expect(value).toBeGreaterThanOrEqual(-1e-12);
          expect(value).toBeLessThanOrEqual(bound + 1e-12);
          expect((await judge(name, line(map.map(v => v / 2)))).value).toBeCloseTo(value, 12);
          expect((await judge(name, line(map.toReversed()))).value).toBeCloseTo(value, 12);
        }
      }),
      { numRuns: 100 },
    );
  });
});
