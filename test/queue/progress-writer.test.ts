import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ChunkProgress } from '../../lib/queue/job.ts';
import { ProgressWriter } from '../../lib/queue/progress-writer.ts';
import type { Suspects } from '../../lib/queue/suspects.ts';

const NONE: Suspects = { tries: {}, alone: [], givenUp: new Map(), counted: false };

/** Does 60 inputs of some ms, two at a time, and says what was written and what was in work that had not been. */
async function work({ write, input, suspects = NONE }: { write: number; input: number; suspects?: Suspects }) {
  const written: ChunkProgress[] = [];
  const untold: number[] = [];
  const account = new ProgressWriter(60, suspects, async progress => {
    if (write > 0) await sleep(write);
    written.push(progress);
  });
  const one = async (index: number) => {
    await account.begin(index);
    if (!written.at(-1)!.inWork.includes(index)) untold.push(index);
    await sleep(input);
    account.done(index, index % 10 === 0);
  };
  for (const index of suspects.alone) await one(index);
  const others = Array.from({ length: 60 }, (_, i) => i)
    .filter(index => !suspects.alone.includes(index))
    .values();
  const lane = async () => {
    for (const index of others) await one(index);
  };
  await Promise.all([lane(), lane()]);
  await account.end();
  return { written, untold, account };
}

it('tells of every input before it is begun, and in the end of none', async () => {
  const { written, untold, account } = await work({ write: 1, input: 5 });
  expect(untold).toEqual([]);
  expect(written.at(-1)).toEqual({ done: 54, failed: 6, inWork: [], tries: {}, counted: false });
  expect(account.report).toEqual({ done: 54, failed: 6 });
  expect(account.settled).toBe(60);
});

it('tells of few at a time where writes are quick, of more where they are slow', async () => {
  const most = ({ written }: { written: readonly ChunkProgress[] }) =>
    Math.max(...written.map(({ inWork }) => inWork.length));
  expect(most(await work({ write: 0, input: 60 }))).toBeLessThanOrEqual(4);
  const slow = await work({ write: 20, input: 5 });
  expect(most(slow)).toBeGreaterThan(8);
  expect(most(slow)).toBeLessThanOrEqual(32);
  expect(slow.untold).toEqual([]);
  // Not one for each input.
  expect(slow.written.length).toBeLessThan(20);
});

it('tells of what is suspected by itself', async () => {
  const suspects: Suspects = { ...NONE, tries: { 5: 1, 6: 2 }, alone: [5, 6], counted: true };
  const { written } = await work({ write: 20, input: 5, suspects });
  for (const index of [5, 6])
    for (const { inWork, tries } of written.filter(({ inWork }) => inWork.includes(index))) {
      expect(inWork).toEqual([index]);
      expect(tries).toEqual({ 5: 1, 6: 2 });
    }
});
