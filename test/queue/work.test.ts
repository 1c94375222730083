import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { enqueue } from '../../lib/queue/enqueue.ts';
import { readStatus } from '../../lib/queue/follow.ts';
import { drain, retryFailed } from '../../lib/queue/mend.ts';
import { type ChunkQueue, type QueueServer, reachServer } from '../../lib/queue/server.ts';
import { buildFakeWorker, FakeWorker, keepAlive, resultsIn, SHORT, someChunks, until, untilIdle } from './harness.ts';
import { SERVERS, type TestServer } from './servers.ts';

beforeAll(buildFakeWorker);

describe.each(SERVERS)('a queue on $name', ({ name, missing, start }) => {
  // A skipped test says why in its name.
  if (missing !== undefined) {
    it.skip(`is not tried: ${missing}`, () => {});
    return;
  }
  let running: TestServer;
  let server: QueueServer;
  let queue: ChunkQueue;

  beforeAll(async () => {
    running = await start();
  });
  afterAll(() => running?.stop());
  beforeEach(async () => {
    server = await reachServer(running.url);
    queue = await server.openQueue();
  });
  afterEach(async () => {
    await queue.obliterate({ force: true });
    await queue.close();
  });

  const chunksAnd = (count: number, size: number) => {
    const chunks = someChunks(count, size);
    return { chunks, out: chunks[0]!.out };
  };
  const worker = (options: Partial<ConstructorParameters<typeof FakeWorker>[0]> = {}) =>
    new FakeWorker({ url: running.url, pause: 5, hold: SHORT, ...options });

  it('does what was enqueued twice once', async () => {
    const { chunks, out } = chunksAnd(3, 4);
    expect(await enqueue(queue, chunks)).toEqual({ added: 3, waiting: 0, inWork: 0, done: 0, failed: 0 });
    expect(await enqueue(queue, chunks)).toEqual({ added: 0, waiting: 3, inWork: 0, done: 0, failed: 0 });
    await worker({ untilEmpty: true }).ended;
    expect(await enqueue(queue, chunks)).toEqual({ added: 0, waiting: 0, inWork: 0, done: 3, failed: 0 });
    await worker({ untilEmpty: true }).ended;
    const { done, begun } = resultsIn(out);
    expect(done).toHaveLength(12);
    expect(begun).toHaveLength(12);
    expect((await readStatus(queue)).pictures).toEqual({ total: 12, waiting: 0, done: 12, failed: 0, left: 0 });
  });

  it('holds what two put there at once once', async () => {
    const { chunks } = chunksAnd(120, 2);
    const other = await server.openQueue();
    await Promise.all([enqueue(queue, chunks), enqueue(other, chunks)]);
    await other.close();
    expect((await readStatus(queue)).chunks).toEqual({ waiting: 120, inWork: 0, done: 0, failed: 0 });
  });

  it('gives the chunk of a worker that was killed to another, which goes on with it', async () => {
    const { chunks, out } = chunksAnd(1, 40);
    await enqueue(queue, chunks);
    const first = worker({ pause: 30 });
    await until(
      () => resultsIn(out).done.length >= 8,
      () => 'some results',
    );
    await first.kill();
    await worker({ untilEmpty: true }).ended;
    const { done, begun, failed } = resultsIn(out);
    expect(done).toHaveLength(40);
    expect(failed).toEqual([]);
    // At most those that were in work.
    expect(begun.length).toBeLessThanOrEqual(42);
    // Those were done alone; so was what the queue had been told to be in work, and was not begun.
    const alone = begun.filter(line => line.endsWith('true')).length;
    expect(alone).toBeGreaterThanOrEqual(begun.length - 40);
    expect(alone).toBeLessThanOrEqual(20);
  });

  it('goes on after its server was killed and started again', async () => {
    const { chunks, out } = chunksAnd(6, 20);
    await enqueue(queue, chunks);
    const workers = [worker({ pause: 20 }), worker({ pause: 20 })];
    for (const one of workers) await one.says('ready');
    for (let kill = 0; kill < 3; kill++) {
      const before = resultsIn(out).done.length;
      await until(
        () => resultsIn(out).done.length >= Math.min(before + 12, 120),
        () => 'some results',
      );
      await running.kill();
      await sleep(300);
      await running.restart();
    }
    // A client that was opened before may need a moment.
    await until(
      () =>
        readStatus(queue).then(
          ({ chunks }) => chunks.done === 6,
          () => false,
        ),
      () => 'all chunks',
    );
    const { done, begun } = resultsIn(out);
    expect(done).toHaveLength(120);
    expect(begun.length).toBeLessThanOrEqual(120 + 3 * 2 * 20);
    for (const { isRunning } of workers) expect(isRunning).toBe(true);
  });

  it('gets back what a worker leaves that is told to end, for another within seconds', async () => {
    const { chunks, out } = chunksAnd(1, 60);
    const long = { lock: 30_000, check: 15_000 };
    await enqueue(queue, chunks);
    const first = worker({ pause: 60, hold: long });
    await first.says('taken');
    const second = worker({ pause: 1, hold: long });
    await second.says('ready');
    await until(
      () => resultsIn(out).done.length >= 4,
      () => 'some results',
    );
    const begun = Date.now();
    first.terminate();
    await first.says('given back');
    await second.says('done');
    expect(Date.now() - begun).toBeLessThan(10_000);
    await first.ended;
    expect(first.lines.at(-1)).toBe('ended');
    const results = resultsIn(out);
    expect(results.done).toHaveLength(60);
    expect(results.begun).toHaveLength(60);
    // Nobody was suspected.
    expect(results.begun.filter(line => line.endsWith('true'))).toEqual([]);
  });

  it.each([[['a7']], [['a3', 'a4', 'a11', 'a19']]])(
    'gives up inputs that end the process (%j), after three tries each, and does the others',
    async poison => {
      const { chunks, out } = chunksAnd(1, 24);
      await enqueue(queue, chunks);
      const alive = keepAlive({ url: running.url, pause: 5, hold: SHORT, poison });
      const status = await untilIdle(queue);
      await alive.stop();
      const { done, failed, begun } = resultsIn(out);
      expect(failed.sort()).toEqual([...poison].sort());
      expect(done).toHaveLength(24 - poison.length);
      for (const stem of poison) {
        expect(readFileSync(join(out, `${stem}.error`), 'utf8')).toMatch(
          /^ERR_RUNTIME: the process ended 3 times while this was in work/,
        );
        // Another may have ended the process before this one, which the queue had been told to be in work, was begun.
        const times = begun.filter(line => line.includes(`/${stem} `)).length;
        expect([1, 2, 3]).toContain(times);
      }
      expect(status.pictures).toEqual({
        total: 24,
        waiting: 0,
        done: 24 - poison.length,
        failed: poison.length,
        left: 0,
      });
      expect(alive.deaths()).toBeLessThanOrEqual(3 * poison.length);
    },
    120_000,
  );

  it('counts a chunk as failed that ends every process before anything is begun', async () => {
    const { chunks, out } = chunksAnd(1, 3);
    await enqueue(queue, chunks);
    const alive = keepAlive({ url: running.url, pause: 5, hold: SHORT, endsBefore: true });
    const status = await untilIdle(queue);
    // One that was slow to begin may count twice.
    expect([3, 4]).toContain(alive.deaths());
    await alive.stop();
    expect(status.chunks).toEqual({ waiting: 0, inWork: 0, done: 0, failed: 1 });
    expect(status.failures[0]!.reason).toMatch(/^ERR_QUEUE: its worker ended 4 times before/);
    // Put back, it has all its tries again.
    expect(await retryFailed(queue)).toBe(1);
    await worker({ untilEmpty: true }).ended;
    expect(resultsIn(out).done).toHaveLength(3);
    expect((await readStatus(queue)).chunks).toMatchObject({ waiting: 0, failed: 0 });
  });

  it('leaves a chunk of another version as it is, and ends with both versions', async () => {
    const { chunks, out } = chunksAnd(1, 3);
    await enqueue(queue, chunks);
    for (let i = 0; i < 5; i++) {
      const other = worker({ version: '2.0.0' });
      await other.ended;
      expect(other.lines.at(-1)).toMatch(/^error ERR_QUEUE: .*onnx-cam 1\.0\.0.*onnx-cam 2\.0\.0.*given back/);
    }
    expect((await readStatus(queue)).chunks.waiting).toBe(1);
    await worker({ untilEmpty: true }).ended;
    expect(resultsIn(out).done).toHaveLength(3);
  });

  it('keeps what failed with its reason, until it is put back', async () => {
    const { chunks, out } = chunksAnd(2, 3);
    await enqueue(queue, chunks);
    await worker({ untilEmpty: true, throws: 'ERR_LAYER_NOT_FOUND' }).ended;
    const status = await readStatus(queue);
    expect(status.chunks).toEqual({ waiting: 0, inWork: 0, done: 0, failed: 2 });
    expect(status.pictures).toEqual({ total: 6, waiting: 0, done: 0, failed: 0, left: 6 });
    expect(status.failures[0]).toMatchObject({
      inputs: 3,
      out,
      reason: 'ERR_LAYER_NOT_FOUND: as the test wants it',
    });
    expect(await enqueue(queue, chunks)).toMatchObject({ added: 0, failed: 2 });
    expect(await retryFailed(queue)).toBe(2);
    await worker({ untilEmpty: true }).ended;
    expect(resultsIn(out).done).toHaveLength(6);
  });

  it('puts back what failed, done chunks and all, with all tries of what was given up', async () => {
    const { chunks, out } = chunksAnd(3, 4);
    await enqueue(queue, chunks);
    const alive = keepAlive({ url: running.url, pause: 5, hold: SHORT, fails: ['a1', 'a5'], poison: ['a2'] });
    expect((await untilIdle(queue)).pictures).toMatchObject({ done: 9, failed: 3 });
    await alive.stop();
    expect(await retryFailed(queue)).toBe(2);
    expect((await readStatus(queue)).pictures).toEqual({ total: 12, waiting: 8, done: 4, failed: 0, left: 0 });
    await worker({ untilEmpty: true }).ended;
    const { done, failed, begun } = resultsIn(out);
    expect(done).toHaveLength(12);
    expect(failed).toEqual([]);
    // What had a result was not done again.
    for (const stem of ['a0', 'a3', 'a4', 'a6', 'a11'])
      expect(begun.filter(line => line.includes(`/${stem} `)).length).toBeLessThanOrEqual(2);
    expect((await readStatus(queue)).pictures).toEqual({ total: 12, waiting: 0, done: 12, failed: 0, left: 0 });
    expect(await retryFailed(queue)).toBe(0);
  });

  it('is not drawn into failing by one broken machine', async () => {
    const { chunks } = chunksAnd(8, 2);
    await enqueue(queue, chunks);
    const broken = worker({ throws: 'ERR_MODEL_NOT_FOUND' });
    await broken.ended;
    expect(broken.lines.at(-1)).toMatch(/^error ERR_QUEUE: 3 chunks one after the other .*ERR_MODEL_NOT_FOUND/);
    const without = worker({ throws: 'ERR_PROVIDER_UNAVAILABLE' });
    await without.ended;
    expect(without.lines.at(-1)).toMatch(/^error ERR_PROVIDER_UNAVAILABLE/);
    // The three come again after a while, for others.
    expect((await readStatus(queue)).chunks).toEqual({ waiting: 8, inWork: 0, done: 0, failed: 0 });
    await worker({ untilEmpty: true }).ended;
    expect((await readStatus(queue)).chunks).toEqual({ waiting: 0, inWork: 0, done: 8, failed: 0 });
  });

  it('puts a chunk off that another process holds', async () => {
    const { chunks, out } = chunksAnd(1, 3);
    await enqueue(queue, chunks);
    const held = join(out, 'held');
    writeFileSync(held, '');
    const one = worker({ untilEmpty: true, held });
    await one.says('held');
    rmSync(held);
    await one.ended;
    expect(one.lines.filter(line => line !== 'taken 0')).toEqual(['ready', 'held', 'done', 'ended']);
    expect(resultsIn(out).done).toHaveLength(3);
  });

  it('loses what waits when drained, not what is in work', async () => {
    const { chunks, out } = chunksAnd(5, 10);
    await enqueue(queue, chunks);
    const one = worker({ untilEmpty: true, pause: 50 });
    await one.says('taken');
    expect(await drain(queue, { done: false })).toBe(4);
    await one.ended;
    expect(resultsIn(out).done).toHaveLength(10);
    expect(await enqueue(queue, chunks)).toMatchObject({ added: 4, done: 1 });
    expect(await drain(queue, { done: true })).toBe(5);
    expect(await enqueue(queue, chunks)).toMatchObject({ added: 5 });
  });

  it.each([
    ['no chunk', { some: 'thing' }],
    ['names that leave the folder', { stem: '../../etc/passwd' }],
    ['a number where a text belongs', { stem: 7 }],
    ['a folder that depends on where a worker runs', { out: 'out' }],
  ])('fails a job with %s, and goes on', async (_, { stem, out, some }: Record<string, unknown>) => {
    const [chunk] = someChunks(1, 1);
    const data = {
      chunk: {
        ...chunk,
        ...(stem !== undefined && { inputs: [{ path: '/a.png', stem }] }),
        ...(out !== undefined && { out }),
      },
      round: 1,
      tries: {},
    };
    await queue.add('chunk', (some === undefined ? data : { some }) as never, { attempts: 3 });
    const { chunks } = chunksAnd(1, 2);
    await enqueue(queue, chunks);
    await worker({ untilEmpty: true }).ended;
    const status = await readStatus(queue);
    expect(status.chunks).toEqual({ waiting: 0, inWork: 0, done: 1, failed: 1 });
    expect(status.failures[0]!.reason).toMatch(/^ERR_QUEUE: this chunk was not written by onnx-cam/);
  });

  it('never says its password', async () => {
    if (name !== 'postgres') return;
    const { PASSWORD } = await import('./servers.ts');
    const wrong = running.url.replace(encodeURIComponent(PASSWORD), 'falsch');
    const error = await reachServer(wrong).catch(error => error);
    expect(error.code).toBe('ERR_QUEUE');
    expect(error.message).toContain('password authentication failed');
    expect(error.message).not.toContain('falsch');
    expect(server.address.shown).not.toContain('cam:');
  });
});
