import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pearson } from '../../lib/common/pearson.ts';
import { spearman } from '../../lib/metrics/support/spearman.ts';
import { ssim, ssimOfLine } from '../../lib/metrics/support/ssim.ts';

const PAIRS = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), { minLength: 9, maxLength: 9 })
  .map(pairs => [0, 1].map(i => Float32Array.from(pairs, pair => pair[i]! / 8)) as [Float32Array, Float32Array]);

describe('similarities', () => {
  it('are symmetric, at most one, and one for equal maps', async () => {
    await fc.assert(
      fc.asyncProperty(PAIRS, async ([a, b]) => {
        for (const of of [pearson, spearman, ssimOfLine, (u: Float32Array, v: Float32Array) => ssim(u, v, 3, 3)]) {
          const value = await of(a, b);
          if (value === null) continue;
          expect(Math.abs(value)).toBeLessThanOrEqual(1 + 1e-12);
          expect(await of(b, a)).toBeCloseTo(value, 12);
          expect(await of(a, a)).toBeCloseTo(1, 12);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('by rank sees only the order', async () => {
    await fc.assert(
      fc.asyncProperty(PAIRS, async ([a, b]) => {
        const value = await spearman(a, b);
        if (value === null) return;
        expect(
          await spearman(
            a.map(v => v ** 3),
            b,
          ),
        ).toBeCloseTo(value, 12);
        expect(
          await spearman(
            a.map(v => -v),
            b,
          ),
        ).toBeCloseTo(-value, 12);
      }),
      { numRuns: 100 },
    );
  });

  it('have no value where nothing varies', async () => {
    const flat = new Float32Array(9).fill(0.1);
    const other = Float32Array.from(flat, (_, i) => i);
    expect(pearson(flat, other)).toBeNull();
    expect(await spearman(other, flat)).toBeNull();
    expect(ssim(flat, flat, 3, 3)).toBeNull();
    expect(ssim(other, flat, 9, 1)).toBeNull();
    expect(ssim(flat, other, 3, 3)).not.toBeNull();
  });
});
