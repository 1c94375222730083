import { getEventListeners } from 'node:events';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one } from '../helpers/explain-models.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';

/** Slow enough to be stopped in the middle: some hundred milliseconds for one pass. */
function slowModel(): Uint8Array {
  const layers = 12;
  const block = (i: number) => [
    makeNode('Conv', [`r${i}`, 'w'], [`c${i + 1}`], { pads: [1, 1, 1, 1] }),
    makeNode('Relu', [`c${i + 1}`], [`r${i + 1}`]),
  ];
  return buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w0'], ['r0'], { pads: [1, 1, 1, 1] }),
      ...Array.from({ length: layers }, (_, i) => block(i)).flat(),
      makeNode('GlobalAveragePool', [`r${layers}`], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'wf'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 'H', 'W'] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { w0: noise([32, 3, 3, 3], 1, 0.3), w: noise([32, 32, 3, 3], 2, 0.1), wf: noise([5, 32], 3) },
  });
}

let cam: Explainer;
let jpeg: Buffer;
beforeAll(async () => {
  cam = await load(slowModel(), { preprocess: { size: [32, 32] } });
  jpeg = await sharp({ create: { width: 3000, height: 2000, channels: 3, background: 'orange' } })
    .jpeg()
    .toBuffer();
});
afterAll(() => cam.dispose());

const small = noiseImage([1, 3, 16, 16]);
const large = noiseImage([1, 3, 192, 192]);

async function expectAborted(task: (controller: AbortController) => Promise<unknown>): Promise<void> {
  const controller = new AbortController();
  const reason = new Error('changed my mind');
  const abort = controller.abort.bind(controller);
  controller.abort = () => abort(reason);
  const error = await expectError(() => task(controller), 'ERR_ABORTED');
  expect(error.name).toBe('AbortError');
  expect(error.cause).toBe(reason);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  expect(one(await cam.explain(small)).status).toBe('ok');
}

describe('an abort', () => {
  it('before the call stops it at once', async () => {
    await expectAborted(controller => {
      controller.abort();
      return cam.explain(small, { signal: controller.signal });
    });
    await expectAborted(controller => {
      controller.abort();
      return cam.predict(small, { signal: controller.signal });
    });
  });

  it('while the picture is decoded', async () => {
    await expectAborted(controller => {
      const explained = cam.explain(jpeg, { signal: controller.signal });
      setTimeout(() => controller.abort(), 2);
      return explained;
    });
  });

  it('while the model runs', async () => {
    await cam.explain(large);
    const { run } = Session.prototype;
    await expectAborted(async controller => {
      const spy = vi.spyOn(Session.prototype, 'run').mockImplementation(function (this: Session, ...args) {
        const running = run.apply(this, args);
        setTimeout(() => controller.abort(), 5);
        return running;
      });
      try {
        await cam.explain(large, { signal: controller.signal });
      } finally {
        spy.mockRestore();
      }
    });
  });

  it.each([['kpca-cam'], ['dff']])(
    'while a kernel works on a large layer, %s',
    async method => {
      const model = buildModel({
        nodes: [
          makeNode('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
          makeNode('Relu', ['c'], ['r']),
          makeNode('GlobalAveragePool', ['r'], ['p']),
          makeNode('Flatten', ['p'], ['f']),
          makeNode('Gemm', ['f', 'wf'], ['y'], { transB: 1 }),
        ],
        inputs: [{ name: 'x', dims: ['N', 3, 'H', 'W'] }],
        outputs: [{ name: 'y', dims: ['N', 5] }],
        initializers: { w: noise([96, 3, 3, 3], 1, 0.3), wf: noise([5, 96], 3) },
      });
      const large = await load(model);
      const { run } = Session.prototype;
      let aborted = 0;
      await expectAborted(async controller => {
        const spy = vi.spyOn(Session.prototype, 'run').mockImplementation(async function (this: Session, ...args) {
          const outputs = await run.apply(this, args);
          setTimeout(() => {
            aborted = performance.now();
            controller.abort();
          }, 150);
          return outputs;
        });
        try {
          await large.explain(noiseImage([1, 3, 224, 224]), { method, signal: controller.signal });
        } finally {
          spy.mockRestore();
        }
      });
      expect(performance.now() - aborted).toBeLessThan(1500);
      await large.dispose();
    },
    60_000,
  );

  it('after the model, between the methods', async () => {
    const { run } = Session.prototype;
    await expectAborted(async controller => {
      const spy = vi.spyOn(Session.prototype, 'run').mockImplementation(async function (this: Session, ...args) {
        const outputs = await run.apply(this, args);
        queueMicrotask(() => controller.abort());
        return outputs;
      });
      try {
        await cam.explain(small, { methods: ['grad-cam', 'eigen-cam', 'fem'], signal: controller.signal });
      } finally {
        spy.mockRestore();
      }
    });
  });

  it('while channels are scored', async () => {
    await expectAborted(controller =>
      cam.explain(noiseImage([1, 3, 96, 96]), {
        method: 'score-cam',
        signal: controller.signal,
        batchSize: 1,
        onProgress: () => controller.abort(),
      }),
    );
  });

  it('stops between the images of a batch', async () => {
    await expectAborted(controller =>
      cam.explain(noiseImage([8, 3, 16, 16]), {
        batchSize: 2,
        signal: controller.signal,
        onProgress: ({ done }) => done === 4 && controller.abort(),
      }),
    );
  });

  it('leaves other calls alone', async () => {
    const controller = new AbortController();
    const calls = Array.from({ length: 6 }, (_, i) => cam.explain(large, i % 2 ? { signal: controller.signal } : {}));
    const settled = Promise.allSettled(calls);
    controller.abort();
    const outcomes = (await settled).map(({ status }) => status);
    expect(outcomes.filter((_, i) => i % 2 === 0)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect(outcomes.filter((_, i) => i % 2 === 1)).toEqual(['rejected', 'rejected', 'rejected']);
  });

  it('by a timeout is an AbortError too, and a signal that never fires keeps no listeners', async () => {
    await expectError(
      () => cam.explain(noiseImage([4, 3, 192, 192]), { signal: AbortSignal.timeout(1) }),
      'ERR_ABORTED',
    );
    const { signal } = new AbortController();
    await cam.explain([small, small], { methods: ['grad-cam', 'score-cam'], signal });
    await cam.explain(jpeg, { signal });
    for await (const { error } of cam.stream([small, small], { signal })) expect(error).toBeUndefined();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
