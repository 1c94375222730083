import { describe, expect, it } from 'vitest';
import { Random } from '../../lib/common/random.ts';
import { checkedMaps } from '../../lib/explain/checked-maps.ts';
import type { MethodMaps } from '../../lib/maps/apply-method.ts';
import { type ScoredCall, sampledErrors, withErrors } from '../../lib/scoring/int8-rehearsal.ts';
import type { Scorer } from '../../lib/scoring/scorer.ts';

const draw = (call: ScoredCall, seed = 1) => withErrors(call, new Random(seed));

describe('errors of samples on all scores', () => {
  it('are none where there were none, and of float scores', () => {
    const scores = Float64Array.of(1, 2, 3, 4);
    const errors = [sampledErrors([1, 3], [1, 3], false)];
    expect(draw({ scores, errors, repeats: 1 })).toEqual(scores);
    expect(draw({ scores, repeats: 1 })).toEqual(scores);
  });

  it('are those of samples with scores as high', () => {
    // Low scores are off by 1 or 2, high ones by 10 or 20.
    const errors = [sampledErrors([1, 2, 90, 80], [2, 4, 100, 100], false)];
    const scores = Float64Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 3 : 101));
    const moved = draw({ scores, errors, repeats: 1 }).map((score, i) => score - scores[i]!);
    expect([...new Set(moved.filter((_, i) => i % 2 === 0))].sort()).toEqual([1, 2]);
    expect([...new Set(moved.filter((_, i) => i % 2 === 1))].sort()).toEqual([10, 20]);
  });

  it('of probabilities leave them between 0 and 1', () => {
    const errors = [sampledErrors([0.5, 0.001], [0.9, 0.01], true)];
    const moved = draw({ scores: Float64Array.of(0, 0.001, 0.999, 1), errors, repeats: 1 });
    expect(moved.every(score => score >= 0 && score <= 1)).toBe(true);
    expect(moved[2]).toBeGreaterThan(0.999);
  });

  it('of one mask go together', () => {
    const errors = [sampledErrors([1, 1, 1, 1], [1, 2, 3, 4], false)];
    const moved = draw({ scores: new Float64Array(300).fill(2), errors, repeats: 3 });
    for (let i = 0; i < 300; i += 3) expect(new Set(moved.subarray(i, i + 3)).size).toBe(1);
    expect(new Set(moved).size).toBeGreaterThan(1);
  });

  it('are of each target its own', () => {
    const errors = [sampledErrors([1], [2], false), sampledErrors([1], [1], false)];
    expect(draw({ scores: Float64Array.of(5, 6, 7, 8), errors, repeats: 1 })).toEqual(Float64Array.of(6, 6, 8, 8));
  });
});

describe('maps of int8 runs', () => {
  const maps = (values: readonly number[], status = 'ok') =>
    ({
      maps: { data: Float32Array.from(values), dims: [1, 1, values.length] },
      verdicts: [{ status }],
    }) as unknown as MethodMaps;
  const WANTED = maps([0, 1, 2, 4, 3]);

  async function check(int8: MethodMaps, rehearsed: MethodMaps, masks = 200) {
    let refused: string | undefined;
    let rehearsing = false;
    const scorer = {
      int8: masks > 0 ? { moved: [0], masks } : undefined,
      rehearse: async <T>(_: number, task: () => Promise<T>) => {
        rehearsing = true;
        const result = await task();
        rehearsing = false;
        return result;
      },
      refuseInt8: (reason: string) => {
        refused = reason;
      },
    } as unknown as Scorer;
    const apply = async () => (rehearsing ? rehearsed : refused ? WANTED : int8);
    return { maps: await checkedMaps(apply, [scorer]), refused };
  }

  it('are taken where errors like theirs change them little', async () => {
    const int8 = maps([0, 1.01, 2, 4, 3]);
    expect(await check(int8, maps([0, 1, 2.02, 4, 3]))).toEqual({ maps: int8, refused: undefined });
  });

  it('are made again in float where they change them, or the verdict', async () => {
    const int8 = maps([0, 1.01, 2, 4, 3]);
    for (const rehearsed of [
      maps([0, 1.4, 2, 4, 3]),
      maps([0, 1.01, 2, 4, 3], 'zero'),
      maps([0, Number.NaN, 2, 4, 3]),
    ]) {
      const { maps: taken, refused } = await check(int8, rehearsed);
      expect(taken).toBe(WANTED);
      expect(refused).toMatch(/may correlate with the float one by no more than 0\.\d{3}/);
    }
  });

  it('are doubted more the more masks there were, whose errors go together', async () => {
    const int8 = maps([0, 1.01, 2, 4, 3]);
    const rehearsed = maps([0, 1.05, 2, 4, 3]);
    expect((await check(int8, rehearsed, 300)).refused).toBeUndefined();
    expect((await check(int8, rehearsed, 10000)).refused).toBeDefined();
  });

  it('are not looked at where no run was int8', async () => {
    const float = maps([0, 1, 2, 4, 3]);
    expect(await check(float, maps([5, 1, 2, 0, 0]), 0)).toEqual({ maps: float, refused: undefined });
  });
});
