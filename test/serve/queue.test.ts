import { expect, test } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { eventLines } from '../../lib/serve/events.ts';
import { Queue } from '../../lib/serve/queue.ts';

/** Work that ends when it is told to, or by its signal. */
function work() {
  let end = (_: string) => {};
  let fail = (_: Error) => {};
  const state = { begun: false, aborted: false };
  const task = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      state.begun = true;
      [end, fail] = [resolve, reject];
      signal.addEventListener('abort', () => {
        state.aborted = true;
        reject(new OnnxCamError('ERR_ABORTED', 'aborted'));
      });
    });
  return { task, state, end: (text: string) => end(text), fail: (error: Error) => fail(error) };
}

function join(queue: Queue, stop = new AbortController()) {
  const one = work();
  const moves: number[] = [];
  const result = queue.join(one.task, { signal: stop.signal, moved: before => moves.push(before) });
  result.catch(() => {});
  return { ...one, moves, result, stop };
}

test('one at a time, in the order of asking', async () => {
  const queue = new Queue(5);
  const [a, b, c] = [join(queue), join(queue), join(queue)];
  expect([a, b, c].map(({ state, moves }) => [state.begun, moves])).toEqual([
    [true, []],
    [false, [1]],
    [false, [2]],
  ]);
  a.end('a');
  expect(await a.result).toBe('a');
  await new Promise(setImmediate);
  expect([b, c].map(({ state, moves }) => [state.begun, moves])).toEqual([
    [true, [1]],
    [false, [2, 1]],
  ]);
  b.fail(new Error('b'));
  await expect(b.result).rejects.toThrow('b');
  c.end('c');
  expect(await c.result).toBe('c');
  await new Promise(setImmediate);
  expect(queue.length).toBe(0);
});

test('who leaves lets those behind move up, and only these hear of it', async () => {
  const queue = new Queue(5);
  const [a, b, c, d] = [join(queue), join(queue), join(queue), join(queue)];
  c.stop.abort();
  await expect(c.result).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect([b.moves, c.moves, d.moves]).toEqual([[1], [2], [3, 2]]);
  expect(c.state.begun).toBe(false);
  a.stop.abort();
  await expect(a.result).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  await new Promise(setImmediate);
  expect(b.state).toEqual({ begun: true, aborted: false });
});

test('too many are refused at once, and closing tells everybody why', async () => {
  const queue = new Queue(1);
  const [a, b] = [join(queue), join(queue)];
  expect(() => join(queue)).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
  queue.close(new OnnxCamError('ERR_DISPOSED', 'gone'));
  await expect(a.result).rejects.toThrow('gone');
  await expect(b.result).rejects.toThrow('gone');
  expect(a.state.aborted).toBe(true);
  expect(() => join(queue)).toThrow('gone');
});

test('who has left already never begins', async () => {
  const queue = new Queue(1);
  const stop = new AbortController();
  stop.abort();
  const one = join(queue, stop);
  await expect(one.result).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect([one.state.begun, queue.length]).toEqual([false, 0]);
});

test('who reads slowly misses what is no longer true, and never the end', async () => {
  let told = 0;
  const lines = eventLines(
    async tell => {
      for (; told < 100_000; told++) tell({ type: 'progress', done: told, total: 100_000 });
      throw new Error('late');
    },
    error => ({ type: 'error', code: 'ERR_RUNTIME', message: (error as Error).message }),
  );
  expect(told).toBe(100_000);
  await new Promise(resolve => setTimeout(resolve, 20));
  const read: string[] = [];
  for await (const line of lines) read.push(line);
  expect(read).toEqual(['{"type":"error","code":"ERR_RUNTIME","message":"late"}\n']);
});

test('what is said at once is read at once, the next a tenth of a second later', async () => {
  let tell = (_: number) => {};
  let end = () => {};
  const lines = eventLines(
    say =>
      new Promise(resolve => {
        tell = before => say({ type: 'waiting', before });
        end = () => resolve({ type: 'result' } as never);
      }),
    () => ({ type: 'error', code: 'ERR_RUNTIME', message: '' }),
  );
  tell(3);
  expect((await lines.next()).value).toBe('{"type":"waiting","before":3}\n');
  const start = performance.now();
  tell(2);
  tell(1);
  expect((await lines.next()).value).toBe('{"type":"waiting","before":1}\n');
  expect(performance.now() - start).toBeGreaterThan(80);
  tell(0);
  end();
  expect((await lines.next()).value).toBe('{"type":"result"}\n');
  expect((await lines.next()).done).toBe(true);
});
