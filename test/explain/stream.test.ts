import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/engine/tensor.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { runStream } from '../../lib/io/picture-stream.ts';
import { load } from '../../lib/load.ts';
import { topK } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, plainModel, shapeOf } from '../helpers/explain-models.ts';
import { AliveCounter } from '../helpers/garbage.ts';

let cam: Explainer;
let folder: string;
beforeAll(async () => {
  cam = await load(plainModel());
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-stream-'));
  const png = await sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  for (const name of ['b.png', 'a.png', 'C.PNG']) writeFileSync(join(folder, name), png);
  writeFileSync(join(folder, 'notes.txt'), 'no picture');
  writeFileSync(join(folder, 'broken.jpg'), 'no picture either');
  mkdirSync(join(folder, 'empty'));
  mkdirSync(join(folder, 'inner'));
  writeFileSync(join(folder, 'inner', 'd.png'), png);
});
afterAll(async () => {
  await cam.dispose();
  rmSync(folder, { recursive: true });
});

const image = (seed: number) => noiseImage([1, 3, 16, 16], seed);
const bad: Tensor<'float32'> = noiseImage([1, 3, 8, 8]);

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of stream) all.push(item);
  return all;
}

describe('cam.stream', () => {
  it('yields results in order, errors in their places, whatever the concurrency', async () => {
    const inputs = [image(1), bad, image(2), image(3), { ...bad }];
    for (const concurrency of [1, 2, 8]) {
      const results = await collect(cam.stream(inputs, { target: 1, concurrency }));
      expect(results.map(({ input }) => inputs.indexOf(input))).toEqual([0, 1, 2, 3, 4]);
      expect(results.map(({ error }) => error?.code)).toEqual([
        undefined,
        'ERR_INPUT_SHAPE',
        undefined,
        undefined,
        'ERR_INPUT_SHAPE',
      ]);
      for (const { input, result } of results) {
        if (!result) continue;
        const alone = await cam.explain(input, { target: 1 });
        expect(flat(result)[0]!.map.data).toEqual(flat(alone)[0]!.map.data);
      }
    }
  });

  it('gives for each input what explain gives for it', async () => {
    const [single, batch] = await collect(
      cam.stream([image(1), noiseImage([2, 3, 16, 16])], { methods: ['fem', 'grad-cam'], target: topK(3) }),
    );
    expect(shapeOf(single!.result!)).toEqual([2, 3]);
    expect(shapeOf(batch!.result!)).toEqual([2, 2, 3]);
  });

  it('takes several targets, each for every image', async () => {
    const results = await collect(cam.stream([image(1), noiseImage([2, 3, 16, 16])], { target: [4, 0] }));
    expect(results.map(({ result }) => shapeOf(result!))).toEqual([[2], [2, 2]]);
    const indices = results.map(({ result }) => flat(result!).map(({ target }) => target.index));
    expect(indices).toEqual([
      [4, 0],
      [4, 0, 4, 0],
    ]);
    await expectError(() => collect(cam.stream([image(1)], { target: [] })), 'ERR_OPTION_INVALID', 'empty');
  });

  it('reads the pictures of a folder with its subfolders, or of a glob, sorted by path', async () => {
    const names = async (source: string) =>
      (await collect(cam.stream(source))).map(({ input, error }) => [input.slice(folder.length + 1), error?.code]);
    expect(await names(folder)).toEqual([
      ['C.PNG', undefined],
      ['a.png', undefined],
      ['b.png', undefined],
      ['broken.jpg', 'ERR_IMAGE_INVALID'],
      ['inner/d.png', undefined],
    ]);
    expect(await names(join(folder, '*.png'))).toEqual([
      ['a.png', undefined],
      ['b.png', undefined],
    ]);
    expect(await names(join(folder, '**/*.png'))).toEqual([
      ['a.png', undefined],
      ['b.png', undefined],
      ['inner/d.png', undefined],
    ]);
    expect(await names(join(folder, 'a.png'))).toEqual([['a.png', undefined]]);
    for (const source of [join(folder, 'empty'), join(folder, 'missing'), join(folder, '*.webp')])
      await expectError(() => collect(cam.stream(source)), 'ERR_IMAGE_NOT_FOUND', source);
  });

  it('takes iterables and async iterables, but no single image', async () => {
    function* some() {
      yield image(1);
      yield image(2);
    }
    async function* later() {
      for (const one of some()) {
        await sleep(1);
        yield one;
      }
    }
    expect(await collect(cam.stream(some()))).toHaveLength(2);
    expect(await collect(cam.stream(new Set(some())))).toHaveLength(2);
    expect(await collect(cam.stream(later()))).toHaveLength(2);
    expect(await collect(cam.stream([]))).toEqual([]);
    for (const source of [Buffer.from('abc'), 42, null, image(1)])
      await expectError(() => collect(cam.stream(source as never)), 'ERR_OPTION_INVALID', 'explain');
  });

  it('throws at once for what is wrong with every image', async () => {
    const fails = (options: object, code: Parameters<typeof expectError>[1]) =>
      expectError(() => collect(cam.stream([image(1)], options)), code);
    await fails({ method: 'nope' }, 'ERR_METHOD_UNKNOWN');
    await fails({ layer: 'nope' }, 'ERR_LAYER_NOT_FOUND');
    await fails({ concurrency: 0 }, 'ERR_OPTION_INVALID');
    await fails({ concurency: 2 }, 'ERR_OPTION_INVALID');
    await fails({ params: { nope: 1 } }, 'ERR_OPTION_INVALID');
  });

  it('ends with ERR_ABORTED, also while the source is waited for', async () => {
    const before = new AbortController();
    before.abort();
    await expectError(() => collect(cam.stream([image(1)], { signal: before.signal })), 'ERR_ABORTED');
    const during = new AbortController();
    const seen: unknown[] = [];
    await expectError(async () => {
      for await (const { result } of cam.stream([image(1), image(2), image(3)], { signal: during.signal })) {
        seen.push(result);
        during.abort();
      }
    }, 'ERR_ABORTED');
    expect(seen).toHaveLength(1);
    const waiting = new AbortController();
    async function* silent() {
      yield image(1);
      setTimeout(() => waiting.abort(), 20);
      await new Promise(() => {});
    }
    const error = await expectError(() => collect(cam.stream(silent(), { signal: waiting.signal })), 'ERR_ABORTED');
    expect(error.name).toBe('AbortError');
    expect(await collect(cam.stream([image(1)]))).toHaveLength(1);
  });

  it.each([
    ['with a signal', new AbortController().signal],
    ['without', undefined],
  ])('holds no result that the consumer let go, nor its input: %s', async (_, signal) => {
    const alive = new AliveCounter();
    async function* pictures() {
      for (let seed = 0; seed < 61; seed++) {
        const input = image(seed);
        alive.show(input);
        yield input;
      }
    }
    let count = 0;
    for await (const { result } of cam.stream(pictures(), { concurrency: 2, signal })) {
      alive.show(flat(result!)[0]!.map.data);
      // Two results and three inputs may be on their way, one result is ours.
      if (++count % 20 === 0) expect(await alive.count()).toBeLessThan(8);
    }
    expect(count).toBe(61);
  });

  it('holds no result while its source makes it wait', async () => {
    const alive = new AliveCounter();
    const finished = new AbortController();
    async function* slowAtTheEnd() {
      for (let seed = 0; seed < 60; seed++) yield image(seed);
      await new Promise(resolve => finished.signal.addEventListener('abort', resolve));
    }
    let count = 0;
    for await (const { result } of cam.stream(slowAtTheEnd())) {
      alive.show(flat(result!)[0]!.map.data);
      if (++count < 60) continue;
      expect(await alive.count()).toBeLessThan(8);
      finished.abort();
    }
  });
});

describe('runStream', () => {
  /** A source that notes what was read and whether it was closed. */
  function source(count: number) {
    const state = { read: 0, closed: false };
    function* items() {
      try {
        while (state.read < count) yield state.read++;
      } finally {
        state.closed = true;
      }
    }
    return { state, items: items() };
  }

  it('reads no further ahead of the consumer than the concurrency, and works on that many', async () => {
    const { state, items } = source(10);
    let working = 0;
    let most = 0;
    const task = async (item: number) => {
      most = Math.max(most, ++working);
      await sleep(3);
      working--;
      return item;
    };
    let taken = 0;
    for await (const _ of runStream(items, task, { concurrency: 3 })) {
      taken++;
      await sleep(5);
      expect(state.read - taken).toBeLessThanOrEqual(3);
    }
    expect([taken, most]).toEqual([10, 3]);
  });

  it('closes the source when the consumer stops, and starts nothing more', async () => {
    const { state, items } = source(10);
    let started = 0;
    for await (const _ of runStream(items, async () => ++started, { concurrency: 2 })) break;
    expect(state.closed).toBe(true);
    const then = started;
    await sleep(10);
    expect(started).toBe(then);
    expect(state.read).toBeLessThanOrEqual(2);
  });

  it('hands a result over while the source still thinks about the next item', async () => {
    let release = () => {};
    async function* slow() {
      yield 1;
      await new Promise<void>(resolve => {
        release = resolve;
      });
      yield 2;
    }
    const results: number[] = [];
    for await (const { input } of runStream(slow(), async item => item, { concurrency: 4 })) {
      results.push(input);
      release();
    }
    expect(results).toEqual([1, 2]);
  });

  it('finishes what a failing source gave, then throws its error', async () => {
    function* failing() {
      yield 1;
      yield 2;
      throw new RangeError('no more');
    }
    const results: number[] = [];
    await expect(async () => {
      for await (const { input } of runStream(failing(), async item => item, { concurrency: 2 })) results.push(input);
    }).rejects.toThrow(RangeError);
    expect(results).toEqual([1, 2]);
  });

  it('wraps what a task throws', async () => {
    const task = async () => {
      throw new TypeError('odd');
    };
    const [first] = await collect(runStream([1], task, { concurrency: 1 }));
    expect(first!.error).toMatchObject({ code: 'ERR_RUNTIME', message: 'odd', cause: expect.any(TypeError) });
  });
});
