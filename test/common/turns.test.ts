import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Turns } from '../../lib/common/turns.ts';
import { expectError } from '../helpers/expect-error.ts';

/** Tasks that note how many of them were ever at work together, and in which order they began. */
function watched(turns: Turns) {
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const take = (name: number, signal?: AbortSignal) =>
    turns.take(async () => {
      begun.push(name);
      most = Math.max(most, ++running);
      await sleep(2);
      running--;
      return name;
    }, signal);
  return { begun, take, most: () => most };
}

describe('turns', () => {
  it.each([1, 3])('let %i tasks through at once, in the order of asking', async atOnce => {
    const { begun, take, most } = watched(new Turns(atOnce));
    const names = Array.from({ length: 10 }, (_, name) => name);
    expect(await Promise.all(names.map(name => take(name)))).toEqual(names);
    expect(begun).toEqual(names);
    expect(most()).toBe(atOnce);
  });

  it('go on after a task that fails', async () => {
    const turns = new Turns();
    const failing = turns.take(() => Promise.reject(new Error('no')), undefined);
    const next = turns.take(async () => 'next', undefined);
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('next');
  });

  it('are given up by who is aborted while waiting, and never begun', async () => {
    const { begun, take } = watched(new Turns());
    const controller = new AbortController();
    const first = take(1);
    const waiting = take(2, controller.signal);
    const last = take(3);
    controller.abort();
    await expectError(() => waiting, 'ERR_ABORTED');
    await expectError(() => take(4, controller.signal), 'ERR_ABORTED');
    expect(await Promise.all([first, last])).toEqual([1, 3]);
    expect(begun).toEqual([1, 3]);
    expect(await take(5)).toBe(5);
  });
});
