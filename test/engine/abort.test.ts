import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { addModel, slowInput, slowModel, vector } from './models.ts';

let slow: Session;
let wholeRun: number;
const x = slowInput();

beforeAll(async () => {
  slow = await Session.create(slowModel(), { intraOpNumThreads: 1 });
  const start = performance.now();
  await slow.run({ x }, ['y']);
  wholeRun = performance.now() - start;
}, 60_000);
afterAll(() => slow.dispose());

const aborted = { name: 'AbortError', code: 'ERR_ABORTED' };

test('the event loop turns during a run', async () => {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await slow.run({ x }, ['y']);
  delay.disable();
  // Several turns, the typical one far shorter than the run (in nanoseconds).
  expect(delay.count).toBeGreaterThan(10);
  expect(delay.percentile(50)).toBeLessThan((wholeRun / 10) * 1e6);
});

test('an abort ends a run early, and the session stays usable', async () => {
  const controller = new AbortController();
  const run = slow.run({ x }, ['y'], { signal: controller.signal });
  await new Promise(resolve => setTimeout(resolve, wholeRun / 10));
  const start = performance.now();
  controller.abort(new Error('enough'));
  const error = await run.catch(reason => reason);
  const latency = performance.now() - start;
  expect(error).toMatchObject(aborted);
  expect(error.cause).toEqual(new Error('enough'));
  // Between two of 150 nodes; a quarter of the run leaves room for a busy machine.
  expect(latency).toBeLessThan(wholeRun / 4);
  expect((await slow.run({ x: slowInput(1) }, ['y'])).y!.dims).toEqual([1, 384]);
});

test('queued runs are skipped without being started', async () => {
  const controller = new AbortController();
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const runs = Array.from({ length: 40 }, () => slow.run({ x }, ['y'], { signal: controller.signal }));
  await new Promise(resolve => setTimeout(resolve, wholeRun / 10));
  const start = performance.now();
  controller.abort();
  for (const result of await Promise.allSettled(runs))
    expect(result).toMatchObject({ status: 'rejected', reason: aborted });
  expect(performance.now() - start).toBeLessThan(wholeRun / 2);
  process.off('warning', onWarning);
  expect(warnings).toEqual([]); // Too many listeners on one signal, for one.
});

test('aborting a queued run does not wait for those before it', async () => {
  const others = new AbortController();
  const running = Array.from({ length: 40 }, () => slow.run({ x }, ['y'], { signal: others.signal }).catch(() => {}));
  const controller = new AbortController();
  const queued = slow.run({ x }, ['y'], { signal: controller.signal });
  const start = performance.now();
  controller.abort();
  await expect(queued).rejects.toMatchObject(aborted);
  expect(performance.now() - start).toBeLessThan(wholeRun / 4);
  others.abort();
  await Promise.all(running);
});

test('a signal that has fired already refuses run and creation', async () => {
  const signal = AbortSignal.abort();
  await expect(slow.run({ x }, ['y'], { signal })).rejects.toMatchObject(aborted);
  await expect(Session.create(addModel(), { signal })).rejects.toMatchObject(aborted);
});

test('a signal that fires afterwards changes nothing', async () => {
  const controller = new AbortController();
  await using session = await Session.create(addModel(), { signal: controller.signal });
  const { y } = await session.run({ x: vector([1, 1, 1, 1]) }, ['y'], { signal: controller.signal });
  controller.abort();
  expect([...y!.data]).toEqual([2, 3, 4, 5]);
  expect((await session.run({ x: vector([1, 1, 1, 1]) }, ['y'])).y).toEqual(y);
});

test('an abort during creation rejects, wherever it meets it', async () => {
  const model = slowModel({ nodes: 2000, size: 64 });
  for (const delay of [0, 5, 20]) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), delay);
    const creation = Session.create(model, { signal: controller.signal });
    const session = await creation.catch(error => {
      expect(error).toMatchObject(aborted);
      return undefined;
    });
    await session?.dispose();
    if (delay === 0) expect(session).toBeUndefined();
  }
});
