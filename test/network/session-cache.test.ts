import { describe, expect, it } from 'vitest';
import { SessionCache } from '../../lib/network/session-cache.ts';
import { expectError } from '../helpers/expect-error.ts';

/** Sessions whose creation is held. `stubborn` ones are made though nobody waits, as by a library that cannot be told. */
function sessions({ stubborn = false } = {}) {
  const made: { disposed: boolean; finish: () => void; signal: AbortSignal }[] = [];
  const create = (signal: AbortSignal) =>
    new Promise<{ number: number; session: { dispose(): Promise<void> } }>((resolve, reject) => {
      const number = made.length;
      const one = { disposed: false, signal, finish: () => resolve({ number, session }) };
      const session = {
        dispose: async () => {
          one.disposed = true;
        },
      };
      made.push(one);
      if (!stubborn) signal.addEventListener('abort', () => reject(new Error('ended')));
    });
  return { made, create };
}
const number = async (holder: { number: number }) => holder.number;

describe('a session under way', () => {
  it('is left to those who still wait for it', async () => {
    const cache = new SessionCache();
    const { made, create } = sessions();
    const controller = new AbortController();
    const first = cache.use('a', create, number, controller.signal);
    const second = cache.use('a', create, number);
    controller.abort();
    await expectError(() => first, 'ERR_ABORTED');
    expect(made[0]!.signal.aborted).toBe(false);
    made[0]!.finish();
    expect(await second).toBe(0);
    expect(await cache.use('a', create, number)).toBe(0);
    await cache.dispose();
    expect(made.map(({ disposed }) => disposed)).toEqual([true]);
  });

  it.each([false, true])('is ended when nobody waits, and made anew for the next (stubborn: %s)', async stubborn => {
    const cache = new SessionCache();
    const { made, create } = sessions({ stubborn });
    const controller = new AbortController();
    const calls = [1, 2].map(() => cache.use('a', create, number, controller.signal));
    controller.abort();
    for (const call of calls) await expectError(() => call, 'ERR_ABORTED');
    expect(made[0]!.signal.aborted).toBe(true);
    const next = cache.use('a', create, number);
    expect(made).toHaveLength(2);
    made[1]!.finish();
    expect(await next).toBe(1);
    const disposing = cache.dispose();
    let disposed = false;
    void disposing.then(() => (disposed = true));
    await new Promise(resolve => setTimeout(resolve, 5));
    expect(disposed).toBe(!stubborn);
    made[0]!.finish();
    await disposing;
    expect(made.map(one => one.disposed)).toEqual([stubborn, true]);
  });

  it('that failed is made anew', async () => {
    const cache = new SessionCache();
    await expect(cache.use('a', () => Promise.reject(new Error('no')), number)).rejects.toThrow('no');
    const { made, create } = sessions();
    const next = cache.use('a', create, number);
    made[0]!.finish();
    expect(await next).toBe(0);
    await cache.dispose();
  });
});
