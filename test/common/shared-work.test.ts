import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { RecentWork, SharedWork } from '../../lib/common/shared-work.ts';
import { expectError } from '../helpers/expect-error.ts';

/** Work that ends when it is told to. */
function heldWork() {
  const begun: { finish: (value: string) => void; signal: AbortSignal }[] = [];
  const start = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      begun.push({ finish: resolve, signal });
      signal.addEventListener('abort', () => reject(new Error('ended')));
    });
  return { begun, start };
}

describe('shared work', () => {
  it('tells who is aborted at once and goes on for the others', async () => {
    const { begun, start } = heldWork();
    const work = new SharedWork(start);
    const first = new AbortController();
    const [left, stays, listens] = [
      work.join(first.signal),
      work.join(undefined),
      work.join(new AbortController().signal),
    ];
    const reason = new Error('enough');
    first.abort(reason);
    expect((await expectError(() => left, 'ERR_ABORTED')).cause).toBe(reason);
    expect(begun[0]!.signal.aborted).toBe(false);
    expect(work.isAbandoned).toBe(false);
    begun[0]!.finish('made');
    expect(await Promise.all([stays, listens])).toEqual(['made', 'made']);
    expect(await work.join(undefined)).toBe('made');
    expect(work.isAbandoned).toBe(false);
    expect(getEventListeners(first.signal, 'abort')).toHaveLength(0);
  });

  it('ends when nobody waits any more', async () => {
    const { begun, start } = heldWork();
    const work = new SharedWork(start);
    const controllers = [new AbortController(), new AbortController()];
    const joined = controllers.map(({ signal }) => work.join(signal));
    controllers[0]!.abort();
    await expectError(() => joined[0]!, 'ERR_ABORTED');
    expect(work.isAbandoned).toBe(false);
    controllers[1]!.abort();
    await expectError(() => joined[1]!, 'ERR_ABORTED');
    expect(work.isAbandoned).toBe(true);
    expect(begun[0]!.signal.aborted).toBe(true);
    await expect(work.result).rejects.toThrow('ended');
  });

  it('that is done is given to who was aborted before', async () => {
    const work = new SharedWork(async () => 'made');
    await work.result;
    expect(await work.join(AbortSignal.abort())).toBe('made');
    expect(work.isAbandoned).toBe(false);
  });
});

describe('recent work', () => {
  it('is made anew after it was abandoned or failed, and else once', async () => {
    const { begun, start } = heldWork();
    const recent = new RecentWork<string, string>(2);
    const controller = new AbortController();
    const first = recent.get('a', start, controller.signal);
    controller.abort();
    await expectError(() => first, 'ERR_ABORTED');
    const second = recent.get('a', start);
    const third = recent.get('a', start);
    expect(begun).toHaveLength(2);
    begun[1]!.finish('made');
    expect(await Promise.all([second, third])).toEqual(['made', 'made']);
    expect(await recent.get('a', start)).toBe('made');
    expect(begun).toHaveLength(2);
    await expect(recent.get('b', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await recent.get('b', async () => 'yes')).toBe('yes');
  });

  it('is not given to one who comes while it is being ended', async () => {
    const recent = new RecentWork<string, number>(2);
    let made = 0;
    const slowly = (signal: AbortSignal) =>
      new Promise<number>((resolve, reject) => {
        const number = ++made;
        // Ends some time after it is told to.
        signal.addEventListener('abort', () => setTimeout(() => reject(new Error('ended')), 20));
        if (number > 1) resolve(number);
      });
    const controller = new AbortController();
    const first = recent.get('a', slowly, controller.signal);
    controller.abort();
    await expectError(() => first, 'ERR_ABORTED');
    expect(await recent.get('a', slowly)).toBe(2);
    await new Promise(resolve => setTimeout(resolve, 40));
    expect(await recent.get('a', slowly)).toBe(2);
  });
});
