/** Many at once is one after the other: images, methods, targets, layers, batches, techniques around techniques. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explainer, type Explanation, load } from '../../lib/index.ts';
import { topK } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, plainModel } from '../helpers/explain-models.ts';
import { cheapTechniques } from '../helpers/technique-networks.ts';

const ALL = cheapTechniques();

let cam: Explainer;
beforeAll(async () => {
  cam = await load(plainModel({ size: ['H', 'W'] }));
});
afterAll(() => cam.dispose());

const small = noiseImage([1, 3, 16, 16], 1);
const large = noiseImage([1, 3, 24, 20], 2);

describe.each(ALL)('$name', ({ technique }) => {
  it('of images of two sizes, two methods and three targets is that of each', async () => {
    const methods = ['grad-cam', 'score-cam'];
    const results = flat(await cam.explain([small, large], { methods, target: topK(3), technique }));
    const images = [small, large];
    expect(results).toHaveLength(12);
    let next = 0;
    for (const image of images)
      for (const method of methods) {
        const classes = (await cam.predict(image, { topK: 3 })).map(({ index }) => index);
        for (const target of classes) {
          const alone = await cam.explain(image, { method, target, technique });
          const together = results[next++]!;
          expect(together.target.index).toBe(target);
          // CAMERAS leaves sizes out where no class is given.
          if (technique.name !== 'cameras') expectClose(together.map.data, alone.map.data, 2e-5);
          expect(together.status).toBe(alone.status);
        }
      }
  });

  it('does not depend on the batch, and repeats', async () => {
    const [one, three, again] = await Promise.all(
      [1, 3, undefined].map(batchSize => cam.explain(large, { technique, batchSize, target: 1 })),
    );
    expectClose(three!.map.data, one!.map.data, 1e-5);
    expectClose(again!.map.data, one!.map.data, 1e-5);
  });

  it('of several layers, fused and apart', async () => {
    const layer = ['relu1', 'relu2'];
    const fused = await cam.explain(large, { technique, layer, target: 1 });
    expect(fused.layer).toHaveLength(2);
    expect(fused.map.data.some(value => value > 0)).toBe(true);
    const apart = flat(await cam.explain(large, { technique, layer, fuse: false, target: 1 }));
    for (const [l, name] of layer.entries()) {
      const alone = await cam.explain(large, { technique, layer: name, target: 1 });
      // The coarsest layer of a call makes Jitter-CAM's grid.
      if (technique.name !== 'jitter-cam') expectClose(apart[l]!.map.data, alone.map.data, 1e-5);
    }
  });

  it('counts its runs and reports them', async () => {
    const seen: { done: number; total: number }[] = [];
    const result = await cam.explain(small, { technique, onProgress: progress => seen.push(progress) });
    expect(result.technique).toEqual({ name: technique.name, params: expect.objectContaining(technique.params) });
    expect(result.toJSON().technique).toEqual(result.technique);
    const done = seen.map(one => one.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(seen.at(-1)!.done).toBe(seen.at(-1)!.total);
    // All but the clean image, which one of them may be.
    expect(result.runs.network).toBeGreaterThanOrEqual(seen.at(-1)!.total);
    expect(result.runs.network).toBeLessThanOrEqual(seen.at(-1)!.total + 1);
  });

  it('ends where it is aborted, and leaves the explainer usable', async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    await expectError(
      () => cam.explain(large, { technique, signal: controller.signal, onProgress, method: 'score-cam' }),
      'ERR_ABORTED',
    );
    expect((await cam.explain(small)).runs.network).toBe(1);
  });

  it('streams', async () => {
    const results: Explanation[] = [];
    for await (const { result, error } of cam.stream([small, large, small], { technique, target: 1 })) {
      expect(error).toBeUndefined();
      results.push(...flat(result!));
    }
    expectClose(results[2]!.map.data, results[0]!.map.data, 1e-6);
    expect(results[1]!.map.width).toBe(20);
  });
});

describe('techniques around techniques', () => {
  it('are applied from the first, innermost, on', async () => {
    const inner = { name: 'smooth-grad', params: { n: 3, sigma: 0 } };
    const both = await cam.explain(large, { target: 1, technique: [inner, 'augmentation'] });
    const outer = await cam.explain(large, { target: 1, technique: 'augmentation' });
    expectClose(both.map.data, outer.map.data, 1e-5);
    expect(both.technique).toEqual([
      { name: 'smooth-grad', params: { n: 3, sigma: 0, mode: 'mean' } },
      { name: 'augmentation', params: {} },
    ]);
    // Six inputs, three copies of each, and the clean one.
    expect(both.runs.network).toBe(19);
    // The other way round maps are finished before they are averaged.
    const other = await cam.explain(large, { target: 1, technique: ['augmentation', inner] });
    expect(other.runs.network).toBe(1 + 3 * 6);
    const { raw } = outer;
    const [low, high] = [Math.min(...raw.data), Math.max(...raw.data)];
    expectClose(other.raw.data, raw.data, 1e-6);
    expect(Math.max(...other.map.data)).toBeGreaterThan(high - 1e-6);
    expect(low).toBeGreaterThanOrEqual(0);
  });

  it.each(ALL)('$name around augmentation, and within it', async ({ technique }) => {
    for (const pair of [
      ['augmentation', technique],
      [technique, 'augmentation'],
    ]) {
      const { status, map } = await cam.explain(small, { target: 1, technique: pair });
      expect(status).toBe('ok');
      expect([map.width, map.height]).toEqual([16, 16]);
    }
  });
});

describe('what is no technique', () => {
  it.each([
    ['', "there is no technique ''"],
    ['smoothgrads', 'did you mean smooth-grad?'],
    [null, '`technique` is a name'],
    [{ name: 'sess', param: {} }, '`technique` is a name'],
    [{ name: 'sess', params: { ratio: 2 } }, 'at most 0.999'],
    [{ name: 'sess', params: { scale: 2 } }, "no parameter 'scale'"],
    [{ name: 'multi-scale', params: { scales: [] } }, 'a list of numbers'],
    [{ name: 'multi-scale', params: { scales: [1, Number.NaN] } }, 'a finite number'],
    [{ name: 'cameras', params: { sizes: [1.5] } }, 'a whole number'],
    [['sess', 7], '`technique` is a name'],
  ])('is refused: %j', async (technique, text) => {
    await expectError(() => cam.explain(small, { technique: technique as string }), 'ERR_OPTION_INVALID', text);
  });

  it('an empty list is none', async () => {
    const { technique, runs } = await cam.explain(small, { technique: [] });
    expect([technique, runs.network]).toEqual([null, 1]);
  });
});
