/** Aborts while a model is loaded, and while a call's graph is built and its session made: nothing broken is left behind. */
import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { load } from '../../lib/load.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { graph } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one, plainModel } from '../helpers/explain-models.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { vitModel } from '../helpers/transformer-models.ts';

const BUNDLED = fileURLToPath(new URL('../../assets/efficientnet-lite0.onnx', import.meta.url));
const image = noiseImage([1, 3, 16, 16]);

afterEach(() => void vi.restoreAllMocks());

/** Calls back when the n-th session from now on is about to be made, and tells which are alive. */
function watchCreations(at: (count: number, signal: AbortSignal | undefined) => void | Promise<void> = () => {}) {
  const alive = new Set<Session>();
  let count = 0;
  const { create } = Session;
  const { dispose } = Session.prototype;
  vi.spyOn(Session, 'create').mockImplementation(async (bytes, options) => {
    await at(++count, options?.signal);
    const session = await create.call(Session, bytes, options);
    alive.add(session);
    return session;
  });
  vi.spyOn(Session.prototype, 'dispose').mockImplementation(async function (this: Session) {
    await dispose.call(this);
    alive.delete(this);
  });
  return { alive, count: () => count };
}

describe('load', () => {
  it('ends with an AbortError where its signal fires, before and at every session that it makes', async () => {
    const model = vitModel({ size: [32, 32], blocks: 1, heads: 2 });
    await expectError(() => load(model, { signal: AbortSignal.abort() }), 'ERR_ABORTED');
    const watched = watchCreations();
    await (await load(model)).dispose();
    const creations = watched.count();
    vi.restoreAllMocks();
    expect(creations).toBeGreaterThan(0);
    for (let n = 1; n <= creations; n++) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const { alive } = watchCreations(count => void (count === n && controller.abort(reason)));
      const error = await expectError(() => load(model, { signal: controller.signal }), 'ERR_ABORTED');
      expect(error.name).toBe('AbortError');
      expect(error.cause).toBe(reason);
      expect(alive.size).toBe(0);
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
      vi.restoreAllMocks();
    }
  });

  it('lets a timeout fire while it works', async () => {
    const error = await expectError(() => load(BUNDLED, { signal: AbortSignal.timeout(1) }), 'ERR_ABORTED');
    expect(error.name).toBe('AbortError');
    expect((error.cause as Error).name).toBe('TimeoutError');
  });

  it('takes its signal for loading alone', async () => {
    const controller = new AbortController();
    const cam = await load(plainModel({ size: ['H', 'W'] }), { signal: controller.signal });
    controller.abort();
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    for (const size of [16, 24, 40]) expect(one(await cam.explain(noiseImage([1, 3, size, size]))).status).toBe('ok');
    await cam.dispose();
  });

  it('takes an AbortSignal', async () => {
    await expectError(() => load(plainModel(), { signal: 'now' as never }), 'ERR_OPTION_INVALID', 'signal');
  });
});

describe('a call that is aborted while its session is made', () => {
  it('ends at once, though the session does not, and leaves the explainer whole', async () => {
    const cam = await load(plainModel());
    let release = () => {};
    const { alive, count } = watchCreations(n => {
      if (n === 1) return new Promise(resolve => (release = resolve));
    });
    const controller = new AbortController();
    const call = cam.explain(image, { signal: controller.signal });
    await vi.waitFor(() => expect(count()).toBe(1));
    controller.abort();
    await expectError(() => call, 'ERR_ABORTED');
    expect(cam.pending).toBe(0);
    expect(one(await cam.explain(image)).status).toBe('ok');
    expect(count()).toBe(2);
    release();
    await cam.dispose();
    expect(alive.size).toBe(0);
  });

  it('does not end another call that waits for the same session', async () => {
    const cam = await load(plainModel());
    let release = () => {};
    let made: AbortSignal | undefined;
    const { count } = watchCreations((_, signal) => {
      made = signal;
      return new Promise(resolve => (release = resolve));
    });
    const controller = new AbortController();
    const options = { method: 'fem' };
    const aborted = cam.explain(image, { ...options, signal: controller.signal });
    const other = cam.explain(image, options);
    await vi.waitFor(() => expect(count()).toBe(1));
    controller.abort();
    await expectError(() => aborted, 'ERR_ABORTED');
    expect(made!.aborted).toBe(false);
    release();
    expect(one(await other).status).toBe('ok');
    expect(count()).toBe(1);
    await cam.dispose();
  });

  it('has the runtime end it, where it can', async () => {
    const cam = await load(BUNDLED);
    const { create } = Session;
    let ended = 0;
    const controller = new AbortController();
    vi.spyOn(Session, 'create').mockImplementationOnce(async (bytes, options) => {
      const creating = create.call(Session, bytes, options);
      void nextTurn().then(() => controller.abort());
      const error = await creating.then(
        () => undefined,
        (error: Error) => error,
      );
      ended++;
      if (error) throw error;
      return creating;
    });
    await expectError(() => cam.explain(noiseImage([1, 3, 224, 224]), { signal: controller.signal }), 'ERR_ABORTED');
    await cam.dispose();
    expect(ended).toBe(1);
  });
});

describe('a call that is aborted at any time', () => {
  it.each(['grad-cam', 'fullgrad', 'relevance-cam', 'lift-cam', 'opti-cam', 'score-cam', 'legrad'])(
    '%s: the next one gives what a fresh explainer gives',
    async method => {
      const model = vitModel({ size: [32, 32], blocks: 2, heads: 2 });
      const options = { method, params: method === 'opti-cam' ? { n: 3 } : undefined, target: 1 };
      const input = noiseImage([1, 3, 32, 32]);
      const fresh = await load(model);
      const begun = performance.now();
      const expected = one(await fresh.explain(input, options));
      const span = performance.now() - begun;
      await fresh.dispose();
      for (const share of [0, 0.1, 0.25, 0.5, 0.75]) {
        const cam = await load(model);
        const controller = new AbortController();
        setTimeout(() => controller.abort(), share * span);
        await cam.explain(input, { ...options, signal: controller.signal }).catch(error => {
          if (error.code !== 'ERR_ABORTED') throw error;
        });
        const { map } = one(await cam.explain(input, options));
        for (const [i, value] of map.data.entries()) expect(value).toBeCloseTo(expected.map.data[i]!, 4);
        await cam.dispose();
      }
    },
    60_000,
  );

  it('by a scoring graph or further inputs', async () => {
    const head = buildModel({
      nodes: [makeNode('ReduceMax', ['y'], ['s'], { axes: [1], keepdims: 0 })],
      inputs: [{ name: 'y', dims: ['N', 5] }],
      outputs: [{ name: 's', dims: ['N'] }],
    });
    const cam = await load(plainModel());
    const target = graph(head);
    const creations = watchCreations();
    const expected = one(await cam.explain(image, { target }));
    const total = creations.count();
    await cam.dispose();
    vi.restoreAllMocks();
    for (let n = 1; n <= total; n++) {
      const again = await load(plainModel());
      const controller = new AbortController();
      watchCreations(count => void (count === n && controller.abort()));
      await expectError(() => again.explain(image, { target, signal: controller.signal }), 'ERR_ABORTED');
      vi.restoreAllMocks();
      expect(one(await again.explain(image, { target })).map).toEqual(expected.map);
      await again.dispose();
    }
  });
});
