import { afterAll, beforeAll, describe, expect, expectTypeOf, it, vi } from 'vitest';
import type { ExplainResult } from '../../lib/explain/result-type.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { Network } from '../../lib/network/network.ts';
import type { ExplainOptions } from '../../lib/options.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import { contrast, output, probability, topK } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, one, plainModel, shapeOf } from '../helpers/explain-models.ts';

let cam: Explainer;
beforeAll(async () => {
  cam = await load(plainModel());
});
afterAll(() => cam.dispose());

const single = noiseImage([1, 3, 16, 16], 1);
const batch = noiseImage([2, 3, 16, 16], 2);
const methods = ['eigen-cam', 'grad-cam', 'hirescam'];
const layers = ['r1', 'r2'];

describe('nesting of results', () => {
  const levels: [string, number[], Partial<ExplainOptions>][] = [
    ['methods', [3], { methods }],
    ['targets', [2], { target: topK(2) }],
    ['layers', [2], { layer: layers, fuse: false }],
  ];
  const images: [string, number[], Parameters<Explainer['explain']>[0]][] = [
    ['one tensor', [], single],
    ['a tensor without batch axis', [], { ...single, dims: [3, 16, 16] }],
    ['a tensor with N = 2', [2], batch],
    ['an array of one', [1], [single]],
    ['an array of two', [2], [single, single]],
    ['an array with a tensor of two', [3], [single, batch]],
  ];
  for (const [what, outer, image] of images) {
    it(`${what}: images outside, then methods, targets, layers`, async () => {
      for (let mask = 0; mask < 8; mask++) {
        const chosen = levels.filter((_, bit) => mask & (1 << bit));
        const options = Object.assign({}, ...chosen.map(([, , part]) => part)) as ExplainOptions;
        const result: ExplainResult = await cam.explain(image, options);
        expect(shapeOf(result)).toEqual([...outer, ...chosen.flatMap(([, dims]) => dims)]);
      }
    });
  }

  it('orders methods, targets and layers as they were given', async () => {
    const result = await cam.explain(batch, { methods, target: topK(2), layer: layers, fuse: false });
    const names = flat(result).map(({ method, layer, target, predictions }) => [
      method,
      'name' in layer ? layer.name : layer,
      predictions.findIndex(({ index }) => index === target.index),
    ]);
    const expected = [0, 1].flatMap(() =>
      methods.flatMap(method => [0, 1].flatMap(rank => layers.map(layer => [method, layer, rank]))),
    );
    expect(names).toEqual(expected);
  });

  it('keeps the arrays of lists of one', async () => {
    expect(shapeOf(await cam.explain(single, { methods: ['grad-cam'] }))).toEqual([1]);
    expect(shapeOf(await cam.explain(single, { target: topK(1) }))).toEqual([1]);
    expect(shapeOf(await cam.explain(single, { target: 'top1' }))).toEqual([]);
    expect(shapeOf(await cam.explain(single, { target: 'top3' }))).toEqual([3]);
    expect(shapeOf(await cam.explain(single, { target: output('y', 'top2') }))).toEqual([2]);
    expect(shapeOf(await cam.explain(single, { layer: ['r2'], fuse: false }))).toEqual([1]);
    expect(shapeOf(await cam.explain(single, { layer: 'stages', fuse: false }))).toEqual([2]);
  });

  it('fuses the layers of an array by default and lists them', async () => {
    const fused = one(await cam.explain(single, { layer: layers }));
    expect(fused.layer).toEqual([
      { name: 'r1', shape: [6, 8, 8], reason: expect.any(String) },
      { name: 'r2', shape: [8, 4, 4], reason: expect.any(String) },
    ]);
    expect(fused.raw.dims).toEqual([8, 8]);
  });

  it('is known to the type checker where the options show it', () => {
    const typed = () => ({
      one: cam.explain('a.jpg', { target: contrast('top1', 5), method: 'fem', onProgress: ({ done }) => done }),
      methods: cam.explain('a.jpg', { methods: ['fem', 'cam'] }),
      best: cam.explain('a.jpg', { target: topK(3) }),
      classes: cam.explain('a.jpg', { target: [967, 'tabby'] }),
      images: cam.explain(['a.jpg', 'b.jpg'], { target: [1, 'tabby'] }),
      classesOfImages: cam.explain(['a.jpg', 'b.jpg'], { target: [[1, 2], 3] }),
      imagesAndMethods: cam.explain(['a.jpg'], { methods: ['fem'] }),
      anything: cam.explain('a.jpg', {} as ExplainOptions),
    });
    type Results = { [K in keyof ReturnType<typeof typed>]: Awaited<ReturnType<typeof typed>[K]> };
    expectTypeOf<Results>().toEqualTypeOf<{
      one: Explanation;
      methods: Explanation[];
      best: Explanation[];
      classes: Explanation[];
      images: Explanation[];
      classesOfImages: ExplainResult;
      imagesAndMethods: Explanation[][];
      anything: ExplainResult;
    }>();
  });

  it('gives an empty array for no images', async () => {
    expect(await cam.explain([])).toEqual([]);
  });
});

describe('targets of a batch', () => {
  it('takes one for all or one for each', async () => {
    const index = (result: ExplainResult) => flat(result).map(({ target }) => target.index);
    expect(index(await cam.explain(batch, { target: 3 }))).toEqual([3, 3]);
    expect(index(await cam.explain([single, batch], { target: [3, 0, 4] }))).toEqual([3, 0, 4]);
  });

  it('lets images of one batch have different kinds of targets', async () => {
    const result = await cam.explain([single, batch], { target: [2, topK(2), 'top1'] });
    expect((result as ExplainResult[]).map(shapeOf)).toEqual([[], [2], []]);
    const [first, second, third] = result as [ExplainResult, ExplainResult, ExplainResult];
    const alone = one(await cam.explain(single, { target: 2 }));
    expect(one(first).map.data).toEqual(alone.map.data);
    expect(flat(second)[0]!.target.index).toBe(flat(second)[0]!.predictions[0]!.index);
    expect(one(third).target.index).toBe(one(third).predictions[0]!.index);
  });

  it('refuses another number of targets than images', async () => {
    await expectError(() => cam.explain(batch, { target: [1, 2, 3] }), 'ERR_OPTION_INVALID', 'array of 3', '2 images');
    await expectError(
      () => cam.explain([single], { target: [1, 2] }),
      ...([
        'ERR_OPTION_INVALID',
        'array of 2 for a batch of 1 image;',
        'one for each',
        'target: [[…, …]]',
        'by itself',
      ] as const),
    );
    await expectError(() => cam.explain([single], { target: [] }), 'ERR_OPTION_INVALID');
  });
});

describe('an array of targets for one image', () => {
  const shapeAndIndex = (result: ExplainResult) => [shapeOf(result), flat(result).map(({ target }) => target.index)];

  it('gives a result for each, in the order given, from one run', async () => {
    const result = await cam.explain(single, { target: [3, 1, 3] });
    expect(shapeAndIndex(result)).toEqual([[3], [3, 1, 3]]);
    for (const [i, target] of [3, 1, 3].entries()) {
      const alone = one(await cam.explain(single, { target }));
      const together = flat(result)[i]!;
      expect(together.target).toEqual(alone.target);
      expectClose(together.map.data, alone.map.data, 1e-6);
      expect(together.runs).toEqual(alone.runs);
    }
    expect(shapeAndIndex(await cam.explain(single, { target: [2] }))).toEqual([[1], [2]]);
    expect(shapeAndIndex(await cam.explain(single, { target: [[2, 0]] }))).toEqual([[2], [2, 0]]);
  });

  it('runs the network once for all of them', async () => {
    let runs = 0;
    const counted = await load(plainModel());
    const { run } = Network.prototype;
    const spy = vi.spyOn(Network.prototype, 'run').mockImplementation(function (this: Network, ...args) {
      runs++;
      return run.apply(this, args);
    });
    try {
      await counted.explain(single, { target: [3, 1, 0], methods: ['grad-cam', 'hirescam', 'fem'] });
      expect(runs).toBe(1);
    } finally {
      spy.mockRestore();
      await counted.dispose();
    }
  });

  it('nests between methods and layers, as topK does', async () => {
    const options = { methods, target: [4, 0], layer: layers, fuse: false } as const;
    const result = await cam.explain(single, options);
    expect(shapeOf(result)).toEqual([3, 2, 2]);
    expect(flat(result).map(({ target }) => target.index)).toEqual([4, 4, 0, 0, 4, 4, 0, 0, 4, 4, 0, 0]);
    expect(shapeOf(await cam.explain(single, { method: 'score-cam', target: ['top2', 1] }))).toEqual([2, 2]);
    const mixed = (await cam.explain(single, { target: [topK(3), 1] })) as ExplainResult[];
    expect(mixed.map(shapeOf)).toEqual([[3], []]);
  });

  it('takes scores of every kind, whatever is read for them', async () => {
    const target = [contrast(1, 2), 'top1', probability(1), output('y', 2), output('y', 'top2'), 1];
    const result = (await cam.explain(single, { target })) as ExplainResult[];
    expect(result.map(shapeOf)).toEqual([[], [], [], [], [2], []]);
    for (const [i, one] of target.entries()) {
      const alone = await cam.explain(single, { target: one });
      for (const [k, together] of flat(result[i]!).entries()) {
        const { target, map } = flat(alone)[k]!;
        expect(together.target).toEqual({ ...target, score: expect.closeTo(target.score, 5) });
        expectClose(together.map.data, map.data, 1e-5);
      }
    }
  });

  it('is an entry of an array for a batch, or the only one for all images', async () => {
    const each = (await cam.explain([single, batch], { target: [[3, 0], 4, [1]] })) as ExplainResult[];
    expect(each.map(shapeAndIndex)).toEqual([
      [[2], [3, 0]],
      [[], [4]],
      [[1], [1]],
    ]);
    const all = await cam.explain(batch, { target: [[3, 0]] });
    expect(shapeAndIndex(all)).toEqual([
      [2, 2],
      [3, 0, 3, 0],
    ]);
    expect(shapeAndIndex(await cam.explain(batch, { target: [3, 0] }))).toEqual([[2], [3, 0]]);
  });

  it.each([1, 2, 4])('fills a fixed batch of %i', async size => {
    const fixed = await load(plainModel({ batch: size }));
    try {
      const result = flat(await fixed.explain(single, { target: [3, 1, 0], methods: ['grad-cam', 'ablation-cam'] }));
      for (const [i, { map, target, method }] of result.entries()) {
        expect(target.index).toBe([3, 1, 0][i % 3]);
        expectClose(map.data, one(await cam.explain(single, { target: target.index, method })).map.data, 1e-5);
      }
    } finally {
      await fixed.dispose();
    }
  });

  it('is refused empty, or with arrays in it', async () => {
    await expectError(() => cam.explain(single, { target: [] }), 'ERR_OPTION_INVALID', 'empty');
    await expectError(() => cam.explain(single, { target: [[1, 2], 3] }), 'ERR_OPTION_INVALID', 'a target is');
    await expectError(() => cam.explain(batch, { target: [[1], []] }), 'ERR_OPTION_INVALID', 'empty');
    await expectError(() => cam.explain(single, { target: [1, 99] }), 'ERR_TARGET_RANGE', '99');
  });
});
