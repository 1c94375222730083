import { describe, expect, it } from 'vitest';
import { RunSchedule } from '../../lib/network/run-schedule.ts';

/** A schedule over a clock that is set by hand. */
function clocked(threads: number, sideBySide = true) {
  const clock = { time: 1000 };
  return { clock, schedule: new RunSchedule(threads, { sideBySide, now: () => clock.time }) };
}

describe('a run schedule', () => {
  it('gives a picture alone all threads, and each of several one', () => {
    const { schedule } = clocked(4);
    const first = schedule.begin(1);
    expect(schedule.share).toBe(4);
    const second = schedule.begin(1);
    expect(schedule.share).toBe(1);
    second();
    first();
    const many = schedule.begin(7);
    expect(schedule.share).toBe(1);
    many();
  });

  it('takes the last picture of several for one of them, and one after a pause for one alone', () => {
    const { clock, schedule } = clocked(2);
    const ends = [schedule.begin(1), schedule.begin(1)];
    clock.time += 5000;
    ends[0]!();
    clock.time += 100;
    expect(schedule.share).toBe(1);
    clock.time += 5000;
    expect(schedule.share).toBe(2);
  });

  it('lets one run at a time have a device', () => {
    const { schedule } = clocked(4, false);
    schedule.begin(9);
    expect([schedule.share, schedule.concurrency]).toEqual([4, 2]);
  });

  it('runs narrow tasks side by side, wide ones alone, in the order of asking', async () => {
    const { schedule } = clocked(2);
    const events: string[] = [];
    const task = (name: string) => async () => {
      events.push(`${name} begins`);
      await new Promise(resolve => setImmediate(resolve));
      events.push(`${name} ends`);
    };
    await Promise.all(
      (
        [
          ['a', 1],
          ['b', 1],
          ['wide', 2],
          ['c', 1],
        ] as const
      ).map(([name, share]) => schedule.run(task(name), share, undefined)),
    );
    expect(events).toEqual([
      'a begins',
      'b begins',
      'a ends',
      'b ends',
      'wide begins',
      'wide ends',
      'c begins',
      'c ends',
    ]);
  });

  it('forgets a wide task that is aborted while others could go on', async () => {
    const { schedule } = clocked(2);
    let end = () => {};
    const running = schedule.run(() => new Promise<void>(resolve => (end = resolve)), 1, undefined);
    const controller = new AbortController();
    const wide = schedule.run(async () => 'wide', 2, controller.signal);
    const narrow = schedule.run(async () => 'narrow', 1, undefined);
    controller.abort();
    await expect(wide).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(await narrow).toBe('narrow');
    end();
    await running;
  });
});
