import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sideBySide } from '../../lib/common/side-by-side.ts';

describe('tasks side by side', () => {
  it.each([1, 3, 20])('are at most %i at once, with results in order', async atOnce => {
    let [running, most] = [0, 0];
    const results = await sideBySide([5, 1, 4, 2, 3, 0], atOnce, async (item, index) => {
      most = Math.max(most, ++running);
      await sleep(item);
      running--;
      return [item, index];
    });
    expect(results).toEqual([5, 1, 4, 2, 3, 0].map((item, index) => [item, index]));
    expect(most).toBe(Math.min(atOnce, 6));
  });

  it('throw the first failure when those under way have settled, and begin no others', async () => {
    const settled: number[] = [];
    const begun: number[] = [];
    const all = sideBySide([0, 1, 2, 3, 4], 2, async item => {
      begun.push(item);
      await sleep(item === 0 ? 20 : 2);
      settled.push(item);
      if (item === 1) throw new Error('one');
    });
    await expect(all).rejects.toThrow('one');
    expect(begun).toEqual([0, 1]);
    expect(settled).toEqual([1, 0]);
  });

  it('are none of nothing', async () => {
    expect(await sideBySide([], 2, async () => 1)).toEqual([]);
  });
});
