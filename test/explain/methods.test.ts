import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { contrast, topK } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, one, plainModel } from '../helpers/explain-models.ts';

const image = noiseImage([1, 3, 16, 16]);
let cam: Explainer;
beforeAll(async () => {
  cam = await load(plainModel());
});
afterAll(() => cam.dispose());

describe('several methods', () => {
  const methods = ['cam', 'grad-cam', 'grad-cam++', 'layer-cam', 'eigen-cam', 'fem', 'random-cam'];

  it('share one run and one session', async () => {
    // On one thread, so that a picture alone and several share a session as well.
    const own = await load(plainModel(), { intraOpNumThreads: 1 });
    const create = vi.spyOn(Session, 'create');
    const run = vi.spyOn(Session.prototype, 'run');
    try {
      const results = flat(await own.explain(image, { methods }));
      expect(results.map(({ runs }) => runs)).toEqual(methods.map(() => ({ network: 1, tail: 0, saved: 0 })));
      expect(create).toHaveBeenCalledTimes(1);
      expect(run).toHaveBeenCalledTimes(1);
      await own.explain(noiseImage([3, 3, 16, 16]), { methods, target: [1, 2, 3], batchSize: 3 });
      expect(create).toHaveBeenCalledTimes(1);
      expect(run).toHaveBeenCalledTimes(2);
      // Several classes of one image: another graph, still one run.
      await own.explain(image, { methods, target: topK(5) });
      expect(create).toHaveBeenCalledTimes(2);
      expect(run).toHaveBeenCalledTimes(3);
    } finally {
      create.mockRestore();
      run.mockRestore();
      await own.dispose();
    }
  });

  it('give what each gives alone', async () => {
    for (const together of flat(await cam.explain(image, { methods, target: 2 }))) {
      const alone = one(await cam.explain(image, { method: together.method, target: 2 }));
      expect(together.map.data).toEqual(alone.map.data);
      expect(together.raw.data).toEqual(alone.raw.data);
    }
  });

  it('count the extra run that ranks inside composite scores need', async () => {
    const { runs } = one(await cam.explain(image, { target: contrast('top1', 0) }));
    expect(runs.network).toBe(2);
  });

  it('each take the parameters that they have', async () => {
    const params = { centre: true, k: 2, relu: false };
    const results = flat(await cam.explain(image, { methods: ['eigen-cam', 'fem', 'grad-cam'], params }));
    expect(results.map(result => result.params)).toEqual([
      expect.objectContaining({ centre: true, relu: false }),
      expect.objectContaining({ k: 2, relu: false }),
      expect.not.objectContaining({ k: 2 }),
    ]);
    await expectError(
      () => cam.explain(image, { methods: ['eigen-cam', 'fem'], params: { sigma: 1 } }),
      'ERR_OPTION_INVALID',
      'sigma',
    );
  });
});

describe('names and options of methods', () => {
  it('say what is wrong with them', async () => {
    await expectError(() => cam.explain(image, { method: 'grad-cm' }), 'ERR_METHOD_UNKNOWN', "'grad-cm'", 'grad-cam');
    await expectError(
      () => cam.explain(image, { methods: ['grad-cam', 'nope'] }),
      'ERR_METHOD_UNKNOWN',
      'nope',
      'known',
    );
    await expectError(() => cam.explain(image, { methods: [] }), 'ERR_OPTION_INVALID', 'at least one');
    await expectError(() => cam.explain(image, { methods: 'grad-cam' as never }), 'ERR_OPTION_INVALID', 'array');
    await expectError(() => cam.explain(image, { method: 'fem', methods: ['fem'] }), 'ERR_OPTION_INVALID', 'not both');
    await expectError(() => cam.explain(image, { method: 7 as never }), 'ERR_METHOD_UNKNOWN');
    await expectError(() => cam.explain(image, { metod: 'fem' } as never), 'ERR_OPTION_INVALID', "'metod'", 'method');
    await expectError(
      () => cam.explain(image, { convention: 'captum' as never }),
      'ERR_OPTION_INVALID',
      'captum',
      'torchcam',
    );
    await expectError(() => cam.explain(image, { seed: 1.5 }), 'ERR_OPTION_INVALID', 'seed');
    await expectError(() => cam.explain(image, { batchSize: 0 }), 'ERR_OPTION_INVALID', 'batchSize');
    await expectError(() => cam.explain(image, { signal: {} as AbortSignal }), 'ERR_OPTION_INVALID', 'signal');
    await expectError(() => cam.explain(image, { onProgress: 1 as never }), 'ERR_OPTION_INVALID', 'onProgress');
    await expectError(() => cam.explain(image, null as never), 'ERR_OPTION_INVALID');
    await expectError(() => cam.predict(image, { topK: 0 }), 'ERR_OPTION_INVALID', 'topK');
    await expectError(() => cam.predict(image, { top: 3 } as never), 'ERR_OPTION_INVALID', 'topK');
  });

  it('refuse parameters of the wrong name, type or range', async () => {
    const fails = (method: string, params: unknown, ...says: string[]) =>
      expectError(() => cam.explain(image, { method, params: params as never }), 'ERR_OPTION_INVALID', ...says);
    await fails('fem', { K: 2 }, "'K'", 'k');
    await fails('fem', { k: '2' }, 'finite number', '"2"');
    await fails('fem', { k: Number.NaN }, 'finite number');
    await fails('eigen-cam', { centre: 1 }, 'true or false');
    await fails('grad-cam', { relu: 'yes' }, 'true or false');
    await fails('grad-cam++', { mode: 'best' }, 'one of', 'pgc');
    await fails('grad-cam', 3, 'params');
    await fails('grad-cam', null, 'params');
  });
});

describe('convention', () => {
  it('falls back to the paper with a warning where a tool has no such method', async () => {
    for (const convention of ['pytorch-grad-cam', 'torchcam'] as const) {
      const fallen = one(await cam.explain(image, { method: 'activation-mean', convention }));
      expect(fallen.convention).toBe('paper');
      expect(fallen.warnings).toEqual([expect.stringContaining(convention)]);
      const own = one(await cam.explain(image, { method: 'grad-cam', convention }));
      expect(own.convention).toBe(convention);
      expect(own.warnings).toEqual([]);
    }
  });
});

describe('seed', () => {
  it('repeats random maps, and another seed gives others', async () => {
    const map = async (seed?: number) => [
      ...one(await cam.explain(image, { method: 'random-cam', seed, params: { relu: false } })).map.data,
    ];
    expect(await map()).toEqual(await map(0));
    expect(await map(7)).toEqual(await map(7));
    expect(await map(7)).not.toEqual(await map(0));
  });
});

describe('explanation', () => {
  it('says everything about how it was made, and only finite times', async () => {
    const labels = ['a', 'b', 'c', 'd', 'e'];
    const own = await load(plainModel(), { labels });
    try {
      const result = one(await own.explain(image, { target: 'c' }));
      expect(JSON.parse(JSON.stringify(result))).toMatchObject({
        method: 'grad-cam',
        convention: 'paper',
        target: { index: 2, label: 'c', kind: 'class' },
        layer: { name: 'r2', shape: [8, 4, 4] },
        precision: 'fp32',
        preprocess: null,
        status: 'ok',
        reason: null,
        warnings: [],
        map: { width: 16, height: 16 },
        raw: { dims: [4, 4] },
        runs: { network: 1, tail: 0, saved: 0 },
      });
      for (const time of Object.values(result.timings)) expect(time).toBeGreaterThanOrEqual(0);
      const { total, preprocess, model, method, postprocess } = result.timings;
      expect(total).toBeGreaterThanOrEqual(preprocess + model + method + postprocess - 1e-6);
      expect(result.predictions.map(({ label }) => label).toSorted()).toEqual(labels);
      const sum = result.predictions.reduce((all, { probability }) => all + probability!, 0);
      expect(sum).toBeCloseTo(1, 5);
      expect(result.raw.data).toHaveLength(16);
      expect((await result.toBuffer()).subarray(1, 4).toString()).toBe('PNG');
    } finally {
      await own.dispose();
    }
  });

  it('is not shared: writing to one map leaves the others alone', async () => {
    const [first, second] = flat(await cam.explain(noiseImage([2, 3, 16, 16]), { method: 'eigen-cam' })) as [
      never,
      never,
    ] as ReturnType<typeof flat>;
    const before = [...second!.map.data];
    first!.map.data.fill(9);
    first!.raw.data.fill(9);
    expect([...second!.map.data]).toEqual(before);
  });

  it.each(['grad-cam', 'eigen-cam', 'score-cam', 'guided-backprop', 'dff'])(
    '%s: map and raw values can be transferred to other threads',
    async method => {
      for (const name of ['map', 'raw'] as const) {
        const { data } = one(await cam.explain(noiseImage([1, 3, 16, 16]), { method }))[name];
        const values = [...data];
        expect([...structuredClone(data, { transfer: [data.buffer as ArrayBuffer] })]).toEqual(values);
      }
    },
  );
});

describe('progress', () => {
  it('counts images, up to the total', async () => {
    const seen: number[][] = [];
    await cam.explain(noiseImage([5, 3, 16, 16]), {
      batchSize: 2,
      onProgress: ({ done, total }) => seen.push([done, total]),
    });
    expect(seen).toEqual([
      [2, 5],
      [4, 5],
      [5, 5],
    ]);
  });

  it('counts passes where score methods run, and never goes back', async () => {
    const seen: number[] = [];
    let last = { done: 0, total: 0 };
    await cam.explain(noiseImage([3, 3, 16, 16]), {
      methods: ['score-cam', 'grad-cam'],
      onProgress: progress => {
        seen.push(progress.done);
        last = progress;
      },
    });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(last.total).toBeGreaterThan(3);
    expect(last.done).toBe(last.total);
  });
});
