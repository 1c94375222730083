/** Calls at the same time: how many are in work, how many may wait, and what becomes of those that do. */
import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { OnnxCamError } from '../../lib/common/errors.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { OpenPicture } from '../../lib/image/decode.ts';
import { load } from '../../lib/load.ts';
import type { LoadOptions } from '../../lib/options.ts';
import { similarity } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one, plainModel } from '../helpers/explain-models.ts';

let jpeg: Buffer;
beforeAll(async () => {
  jpeg = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'orange' } })
    .jpeg()
    .toBuffer();
});
const image = noiseImage([1, 3, 16, 16]);

const opened: Explainer[] = [];
async function open(options: LoadOptions = {}): Promise<Explainer> {
  const cam = await load(plainModel(), { intraOpNumThreads: 2, ...options });
  opened.push(cam);
  return cam;
}
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.splice(0).map(cam => cam.dispose()));
});

/** Decodings that were begun and whose calls have not settled. */
function watchDecoding() {
  const { decode } = OpenPicture.prototype;
  const seen = { begun: 0, settled: 0, most: 0 };
  vi.spyOn(OpenPicture.prototype, 'decode').mockImplementation(function (this: OpenPicture, ...args) {
    seen.most = Math.max(seen.most, ++seen.begun - seen.settled);
    return decode.apply(this, args);
  });
  const counted = <T>(call: Promise<T>) => call.finally(() => seen.settled++);
  return { seen, counted };
}

const codes = (settled: readonly PromiseSettledResult<unknown>[]) =>
  settled.map(one => (one.status === 'fulfilled' ? 'ok' : (one.reason as OnnxCamError).code));

describe('fifty calls at once', () => {
  it('have no more pictures in work than the threads keep busy, and answer all in the order of asking', async () => {
    const cam = await open();
    const { seen, counted } = watchDecoding();
    const order: number[] = [];
    const calls = Array.from({ length: 50 }, async (_, i) => {
      await counted<unknown>(i % 3 === 1 ? cam.predict(jpeg) : cam.explain(jpeg, { method: 'fem' }));
      order.push(i);
    });
    expect(cam.pending).toBe(50);
    await Promise.all(calls);
    expect(cam.pending).toBe(0);
    expect(seen.begun).toBe(50);
    expect(seen.most).toBeLessThanOrEqual(cam.concurrency);
    // Those in work may overtake each other, those that wait do not.
    for (const [place, i] of order.entries()) expect(Math.abs(place - i)).toBeLessThan(cam.concurrency);
  });

  it('of arrays share the places as well', async () => {
    const cam = await open();
    const { seen } = watchDecoding();
    const onProgress = () => void seen.settled++;
    const calls = Array.from({ length: 6 }, () =>
      cam.explain([jpeg, jpeg, jpeg, jpeg, jpeg], { method: 'fem', onProgress }),
    );
    expect(cam.pending).toBe(6);
    await Promise.all(calls);
    expect(seen.begun).toBe(30);
    // Progress is told when the place is free already.
    expect(seen.most).toBeLessThanOrEqual(2 * cam.concurrency);
  });
});

describe('maxQueue', () => {
  it('refuses calls beyond it at once, with what to do', async () => {
    const cam = await open({ maxQueue: 3 });
    const calls = Array.from({ length: 5 }, () => cam.explain(image));
    const measured = cam.predict(image);
    expect(cam.pending).toBe(3);
    const settled = codes(await Promise.allSettled([...calls, measured]));
    expect(settled).toEqual(['ok', 'ok', 'ok', 'ERR_BUSY', 'ERR_BUSY', 'ERR_BUSY']);
    expect(cam.pending).toBe(0);
    expect(one(await cam.explain(image)).status).toBe('ok');
    const held = cam.explain([image, image, image, image]);
    expect(cam.pending).toBe(1);
    await held;
    const all = [1, 2, 3].map(() => cam.explain(image));
    await expectError(() => cam.explain(image), 'ERR_BUSY', '3 calls are pending', 'maxQueue is 3', '503');
    await expectError(
      () => cam.measure(image, { map: { data: new Float32Array(256), width: 16, height: 16 } }),
      'ERR_BUSY',
    );
    await Promise.all(all);
  });

  it('takes one, and any number by default', async () => {
    const cam = await open({ maxQueue: 1 });
    const first = cam.explain(image);
    await expectError(() => cam.explain(image), 'ERR_BUSY', '1 call is pending');
    await first;
    await cam.explain(image);
    const free = await open({ maxQueue: Number.POSITIVE_INFINITY });
    await Promise.all(Array.from({ length: 100 }, () => free.predict(image)));
  });

  it.each([0, -1, 1.5, Number.NaN, '3', null])('is a positive whole number or Infinity, not %s', async value => {
    await expectError(() => load(plainModel(), { maxQueue: value as number }), 'ERR_OPTION_INVALID', 'maxQueue');
  });

  it('counts no call that was wrong or aborted, and frees the place of one that failed', async () => {
    const cam = await open({ maxQueue: 1 });
    await expectError(() => cam.explain(image, { method: 'no-cam' }), 'ERR_METHOD_UNKNOWN');
    await expectError(() => cam.explain(image, { nothing: 1 } as never), 'ERR_OPTION_INVALID');
    await expectError(() => cam.explain('missing.jpg'), 'ERR_IMAGE_NOT_FOUND');
    await expectError(() => cam.explain([image], { target: [1, 2] }), 'ERR_OPTION_INVALID');
    await expectError(() => cam.predict(Buffer.from('no picture')), 'ERR_IMAGE_INVALID');
    const held = cam.explain(image);
    await expectError(() => cam.explain(image, { signal: AbortSignal.abort() }), 'ERR_ABORTED');
    await held;
    expect(cam.pending).toBe(0);
  });

  it('does not count streams and evaluations, which hold themselves back', async () => {
    const cam = await open({ maxQueue: 1 });
    const stream = cam.stream(
      Array.from({ length: 9 }, () => jpeg),
      { method: 'fem' },
    );
    const first = await stream.next();
    expect(first.value!.error).toBeUndefined();
    expect(cam.pending).toBe(0);
    await cam.explain(image);
    for await (const { error } of stream) expect(error).toBeUndefined();
    await using run = cam.evaluate([jpeg, jpeg], { methods: ['fem'], metrics: ['average-drop'], controls: false });
    for await (const row of run) expect('error' in row).toBe(false);
  });

  it('is no matter for pictures that a target compares with', async () => {
    const cam = await open({ maxQueue: 1 });
    const code = await cam.explain(image, { target: similarity(jpeg), method: 'fem' }).then(
      () => 'ok',
      (error: OnnxCamError) => error.code,
    );
    expect(code).not.toBe('ERR_BUSY');
    expect(cam.pending).toBe(0);
  });

  it('leaves nothing behind of ten thousand refused calls', async () => {
    const cam = await open({ maxQueue: 2 });
    const { signal } = new AbortController();
    const held = [cam.explain(image, { signal }), cam.explain(image, { signal })];
    const refused = await Promise.allSettled(Array.from({ length: 10_000 }, () => cam.explain(image, { signal })));
    expect(new Set(codes(refused))).toEqual(new Set(['ERR_BUSY']));
    expect(cam.pending).toBe(2);
    await Promise.all(held);
    expect(cam.pending).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

it('measurements whose truth asks the explainer do not wait for each other', async () => {
  const cam = await open({ intraOpNumThreads: 1 });
  const map = { data: Float32Array.from({ length: 256 }, (_, i) => i / 255), width: 16, height: 16 };
  const truth = async () => {
    const [best] = await cam.predict(image);
    return { boxes: [[2, 2, 8, 8]] as [number, number, number, number][], label: best!.index };
  };
  const calls = Array.from({ length: 12 }, () => cam.measure(image, { map, truth, metrics: ['pointing-game'] }));
  for (const found of await Promise.all(calls)) expect(found['pointing-game']!.status).toBe('ok');
});

describe('a call that waits', () => {
  it('ends at once where it is aborted, and frees its place', async () => {
    const cam = await open({ maxQueue: 21 });
    const { seen } = watchDecoding();
    const controller = new AbortController();
    const working = Array.from({ length: 20 }, () => cam.explain(jpeg));
    const waiting = cam.explain(jpeg, { signal: controller.signal });
    expect(cam.pending).toBe(21);
    let over = 0;
    for (const call of working) void call.then(() => over++);
    controller.abort();
    await expectError(() => waiting, 'ERR_ABORTED');
    expect(over).toBe(0);
    expect(cam.pending).toBe(20);
    await Promise.all(working);
    expect(seen.begun).toBe(20);
  });

  it('ends with ERR_DISPOSED where the explainer is disposed of', async () => {
    const cam = await open();
    const { seen } = watchDecoding();
    const calls = Array.from({ length: 30 }, (_, i) => (i % 2 ? cam.predict(jpeg) : cam.explain(jpeg)));
    const settling = Promise.allSettled(calls);
    await nextTurn();
    await cam.dispose();
    const settled = codes(await settling);
    for (const code of settled) expect(['ok', 'ERR_DISPOSED']).toContain(code);
    expect(settled.filter(code => code === 'ERR_DISPOSED').length).toBeGreaterThanOrEqual(30 - cam.concurrency);
    expect(seen.begun).toBeLessThanOrEqual(cam.concurrency);
    expect(cam.pending).toBe(0);
    await expectError(() => cam.explain(jpeg), 'ERR_DISPOSED');
  });

  it('goes on behind one that fails', async () => {
    const cam = await open({ intraOpNumThreads: 1 });
    const calls = Array.from({ length: 20 }, (_, i) => (i % 2 ? cam.predict(jpeg) : cam.explain('missing.jpg')));
    const settled = codes(await Promise.allSettled(calls));
    expect(settled).toEqual(settled.map((_, i) => (i % 2 ? 'ok' : 'ERR_IMAGE_NOT_FOUND')));
  });
});
