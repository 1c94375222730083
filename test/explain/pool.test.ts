import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { ExplainCalls } from '../../lib/explain/explain-call.ts';
import { type Explainer, load, stream } from '../../lib/index.ts';
import { Network } from '../../lib/network/network.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, plainModel } from '../helpers/explain-models.ts';

const image = (seed: number) => noiseImage([1, 3, 16, 16], seed);

let pool: Explainer[];
beforeAll(async () => {
  pool = await Promise.all([1, 2].map(() => load(plainModel())));
});
afterAll(() => Promise.all(pool.map(cam => cam.dispose())));
afterEach(() => vi.restoreAllMocks());

describe('stream over several explainers', () => {
  it('yields in order what one explainer gives, and keeps all of them busy', async () => {
    const inputs = Array.from({ length: 9 }, (_, i) => (i === 4 ? noiseImage([1, 3, 8, 8]) : image(i)));
    const running = pool.map(() => 0);
    const most = pool.map(() => 0);
    const calls = pool.map(() => 0);
    // In the order of their first calls.
    const seen: ExplainCalls[] = [];
    const { explain } = ExplainCalls.prototype;
    vi.spyOn(ExplainCalls.prototype, 'explain').mockImplementation(async function (this: ExplainCalls, ...args) {
      if (!seen.includes(this)) seen.push(this);
      const i = seen.indexOf(this);
      calls[i]!++;
      most[i] = Math.max(most[i]!, ++running[i]!);
      // The first explainer is slow: the second one takes more.
      await new Promise(resolve => setTimeout(resolve, i === 0 ? 60 : 5));
      return explain.apply(this, args).finally(() => running[i]!--);
    });
    const results = [];
    for await (const one of stream(pool, inputs, { target: 1, concurrency: 1 })) results.push(one);
    vi.restoreAllMocks();
    expect(results.map(({ input }) => inputs.indexOf(input))).toEqual(inputs.map((_, i) => i));
    expect(results.map(({ error }) => error?.code)).toEqual(
      inputs.map((_, i) => (i === 4 ? 'ERR_INPUT_SHAPE' : undefined)),
    );
    for (const { input, result } of results)
      if (result)
        expect(flat(result)[0]!.map.data).toEqual(flat(await pool[0]!.explain(input, { target: 1 }))[0]!.map.data);
    expect(most).toEqual([1, 1]);
    expect(calls[0]! + calls[1]!).toBe(9);
    expect(Math.min(...calls)).toBeGreaterThan(0);
  });

  it('needs explainers that can be used', async () => {
    const next = (explainers: readonly Explainer[]) => stream(explainers, [image(1)]).next();
    await expectError(() => next([]), 'ERR_OPTION_INVALID');
    await expectError(() => next([{}] as never), 'ERR_OPTION_INVALID');
    const gone = await load(plainModel());
    await gone.dispose();
    await expectError(() => next([pool[0]!, gone]), 'ERR_DISPOSED');
  });
});

describe('a run that does not fit into memory', () => {
  const failAbove = (images: number) => {
    const run = Network.prototype.run;
    const sizes: number[] = [];
    vi.spyOn(Network.prototype, 'run').mockImplementation(function (this: Network, request) {
      sizes.push(request.images.dims[0]!);
      if (request.images.dims[0]! > images)
        return Promise.reject(new OnnxCamError('ERR_OUT_OF_MEMORY', 'CUDA failure 2: out of memory'));
      return run.call(this, request);
    });
    return sizes;
  };

  it('is made in halves, with a warning and the same maps', async () => {
    const [cam] = pool as [Explainer];
    const images = [1, 2, 3, 4, 5].map(image);
    const expected = await cam.explain(images, { target: [0, 1, 2, 0, 1], batchSize: 5 });
    const sizes = failAbove(2);
    const results = await cam.explain(images, { target: [0, 1, 2, 0, 1], batchSize: 5 });
    expect(sizes).toEqual([5, 3, 2, 1, 2]);
    expect(flat(results).map(({ target }) => target.index)).toEqual([0, 1, 2, 0, 1]);
    for (const [i, { map, warnings }] of flat(results).entries()) {
      expect(map.data).toEqual(flat(expected)[i]!.map.data);
      expect(warnings[0]).toBe('a run with 5 images did not fit into memory and was made in halves');
    }
    expect(flat(results)[0]!.warnings).toHaveLength(2);
  });

  it('is an error where a single image does not fit', async () => {
    failAbove(0);
    await expectError(() => pool[0]!.explain([image(1), image(2)], { target: 1 }), 'ERR_OUT_OF_MEMORY');
  });
});
