import { describe, expect, it } from 'vitest';
import type { Session } from '../../lib/engine/session.ts';
import { type RunItems, runScheduled, type Schedule, type Setting } from '../../lib/scoring/schedule.ts';

const cpu: Setting = { provider: 'cpu', threads: 2 };

/** Items that cost what `costOf` says, each scored with its index. */
function recorder(costOf: (schedule: Schedule) => number, fits = Infinity) {
  const calls: { begin: number; end: number; schedule: Schedule }[] = [];
  const run: RunItems = async (begin, end, schedule) => {
    calls.push({ begin, end, schedule });
    const scores = Float64Array.from({ length: 2 * (end - begin) }, (_, i) => begin + Math.floor(i / 2));
    return { scores, chunk: Math.min(schedule.chunk, fits), milliseconds: (end - begin) * costOf(schedule) };
  };
  return { calls, run };
}
const session = () => ({}) as Session;
const indexes = (count: number) => Float64Array.from({ length: 2 * count }, (_, i) => Math.floor(i / 2));

describe('runScheduled', () => {
  it('measures on the first large request, makes every run once, and keeps the fastest', async () => {
    const own = session();
    const { calls, run } = recorder(({ chunk }) => (chunk === 8 ? 1 : 2));
    expect(await runScheduled(own, cpu, 1000, 2, run)).toEqual(indexes(1000));
    for (const [i, { begin }] of calls.entries()) expect(begin).toBe(calls[i - 1]?.end ?? 0);
    expect(calls.at(-1)).toMatchObject({ end: 1000, schedule: { chunk: 8, parallel: 2 } });
    const before = calls.length;
    await runScheduled(own, cpu, 1000, 2, run);
    expect(calls.slice(before)).toEqual([{ begin: 0, end: 1000, schedule: { chunk: 8, parallel: 2 } }]);
  });

  it('stays with the rule of thumb where nothing is clearly faster', async () => {
    const { calls, run } = recorder(({ chunk }) => (chunk === 4 ? 1 : 0.99));
    await runScheduled(session(), cpu, 1000, 2, run);
    expect(calls.at(-1)!.schedule).toEqual({ chunk: 4, parallel: 2 });
  });

  it('does not measure on small requests, nor where the user chose', async () => {
    const { calls, run } = recorder(() => 1);
    await runScheduled(session(), cpu, 60, 2, run);
    await runScheduled(session(), { ...cpu, chunk: 7 }, 5000, 2, run);
    expect(calls.map(({ schedule }) => schedule.chunk)).toEqual([4, 7]);
  });

  it('gives accelerators large batches', async () => {
    const { calls, run } = recorder(({ chunk }) => 1 / chunk);
    await runScheduled(session(), { provider: 'accelerator', threads: 8 }, 5000, 2, run);
    expect(calls.at(-1)!.schedule).toEqual({ chunk: 128, parallel: 1 });
  });

  it('measures again for another number of threads, and for another provider', async () => {
    const own = session();
    const { calls, run } = recorder(({ chunk }) => (chunk === 8 ? 1 : 2));
    const settings: Setting[] = [cpu, { ...cpu, threads: 3 }, { provider: 'accelerator', threads: 2 }];
    for (const setting of [...settings, ...settings]) await runScheduled(own, setting, 5000, 2, run);
    expect(calls.filter(({ end }) => end === 5000).map(({ schedule }) => schedule.parallel)).toEqual([
      2, 3, 1, 2, 3, 1,
    ]);
    expect(calls.slice(-3).map(({ begin }) => begin)).toEqual([0, 0, 0]);
  });

  it('remembers what did not fit into memory and says so once', async () => {
    const own = session();
    const { calls, run } = recorder(() => 1, 16);
    const warnings: string[] = [];
    for (let i = 0; i < 2; i++)
      await runScheduled(own, { provider: 'device', threads: 8 }, 500, 2, run, warning => warnings.push(warning));
    expect(calls.map(({ schedule }) => schedule.chunk)).toEqual([128, 16]);
    expect(warnings).toEqual(['batches of 128 did not fit into memory and were halved down to 16']);
  });
});
