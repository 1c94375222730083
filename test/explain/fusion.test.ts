/** The option `fusion`, as callers give it: what it changes, what results say, and where it has nothing to say. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import type { ExplainOptions } from '../../lib/options.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, one, plainModel } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const x = noiseImage([1, 3, 16, 16], 5);
const layer = ['r1', 'r2'];

let cam: Explainer;
beforeAll(async () => {
  cam = await open(plainModel());
});
const explain = async (options: ExplainOptions, explainer = cam) =>
  one(await explainer.explain(x, { target: 1, layer, ...options }));

describe.each(['paper', 'pytorch-grad-cam', 'torchcam'] as const)('%s', convention => {
  it.each(['grad-cam', 'hirescam', 'grad-cam++'])('the product of %s is RefineCAM on it', async base => {
    if (convention === 'torchcam' && base === 'hirescam') return; // It has no such method.
    const refined = await explain({ method: 'refine-cam', convention, params: { base } });
    const product = await explain({ method: base, convention, fusion: 'product' });
    expect(product).toMatchObject({ fusion: 'product', status: 'ok', warnings: [] });
    expect(refined.fusion).toBeNull();
    expectClose(product.map.data, refined.map.data, 1e-6);
  });

  it('says what it was, and repeats itself by it', async () => {
    for (const method of ['grad-cam', 'layer-cam']) {
      const result = await explain({ method, convention });
      const tanh = method === 'layer-cam' && convention !== 'pytorch-grad-cam';
      const expected = tanh ? 'tanh-max' : convention === 'torchcam' ? 'max' : 'mean';
      expect(result.fusion).toBe(expected);
      expect(result.toJSON().fusion).toBe(expected);
      const again = await explain({ method, convention, fusion: expected });
      expect(again.map.data).toEqual(result.map.data);
      expect(again.warnings).toEqual([]);
    }
  });

  it('is another map for each fusion, and raw is the same', async () => {
    const results = await Promise.all(
      (['mean', 'max', 'tanh-max', 'product'] as const).map(fusion => explain({ convention, fusion })),
    );
    for (const [i, result] of results.entries())
      for (const other of results.slice(i + 1)) {
        expect(result.map.data).not.toEqual(other.map.data);
        expect(result.raw).toEqual(other.raw);
      }
  });
});

describe('methods', () => {
  it('take it together, those that join layers themselves leave it out', async () => {
    const methods = ['grad-cam', 'zoom-cam', 'rise', 'refine-cam'];
    const results = flat(await cam.explain(x, { methods, target: 1, layer, fusion: 'max', params: { n: 20 } }));
    expect(results.map(({ fusion }) => fusion)).toEqual(['max', null, null, null]);
    expect(results.map(({ warnings }) => warnings.filter(text => text.includes('fusion')))).toEqual([
      [],
      ['zoom-cam joins layers in its own way: `fusion` was left out'],
      ['rise is made of the whole network, not of layers: `fusion` was left out'],
      ['refine-cam joins layers in its own way: `fusion` was left out'],
    ]);
    const alone = await explain({ method: 'grad-cam', fusion: 'max' });
    expectClose(results[0]!.map.data, alone.map.data, 1e-6);
    const zoom = await explain({ method: 'zoom-cam' });
    expectClose(results[1]!.map.data, zoom.map.data, 1e-6);
  });

  it('of one layer stay as they are and say so', async () => {
    for (const own of ['r2', ['r2'], ['r2', 'relu2'], 'auto']) {
      const plain = await explain({ layer: own });
      const result = await explain({ layer: own, fusion: 'product' });
      expect(plain.fusion).toBeNull();
      expect(plain.warnings).toEqual([]);
      expect(result.fusion).toBeNull();
      expect(result.warnings).toEqual([expect.stringMatching(/`fusion` is for several layers/)]);
      expect(result.map).toEqual(plain.map);
    }
  });

  it('fuse stages', async () => {
    const named = await explain({ fusion: 'max' });
    const stages = await explain({ layer: 'stages', fusion: 'max' });
    expect(stages.fusion).toBe('max');
    expect(stages.map.data).toEqual(named.map.data);
  });
});

describe('layers', () => {
  // The deepest layer is the deepest, in whichever order they are named.
  it.each(['layer-cam', 'zoom-cam', 'poly-cam', 'grad-cam'])('%s: in any order', async method => {
    const results = await Promise.all([layer, layer.toReversed()].map(own => explain({ method, layer: own })));
    expectClose(results[1]!.map.data, results[0]!.map.data, 1e-6);
    expect(results[1]!.layer).toEqual(results[0]!.layer);
  });

  it('apart keep the order in which they were asked for', async () => {
    const results = flat(await cam.explain(x, { layer: ['r2', 'r1', 'r2'], fuse: false }));
    expect(results.map(result => 'name' in result.layer && result.layer.name)).toEqual(['r2', 'r1', 'r2']);
  });
});

it('a call does not get what another chose', async () => {
  const max = await explain({ fusion: 'max' });
  const mean = await explain({ fusion: 'mean' });
  const usual = await explain({});
  expect(usual.map.data).toEqual(mean.map.data);
  expect(max.map.data).not.toEqual(mean.map.data);
});

it('is the same in a batch and alone', async () => {
  const images = [x, noiseImage([1, 3, 16, 16], 6)];
  const together = flat(await cam.explain(images, { target: 1, layer, fusion: 'product' }));
  for (const [i, image] of images.entries()) {
    const alone = one(await cam.explain(image, { target: 1, layer, fusion: 'product' }));
    expectClose(together[i]!.map.data, alone.map.data, 1e-6);
  }
  const streamed = [];
  for await (const { result } of cam.stream(images as never, { target: 1, layer, fusion: 'product' }) as AsyncIterable<{
    result: never;
  }>)
    streamed.push(one(result));
  expect(streamed.map(({ map }) => map.data)).toEqual(together.map(({ map }) => map.data));
});

describe('refused', () => {
  it.each([
    ['maximum', /max/],
    ['tanh', /tanh-max/],
    [3, /mean, max, tanh-max, product/],
    [null, /mean, max, tanh-max, product/],
  ])('%s', async (fusion, says) => {
    await expectError(() => explain({ fusion: fusion as never }), 'ERR_OPTION_INVALID', '`fusion`', says);
  });

  it('beside `fuse: false`, which asks for the opposite', async () => {
    await expectError(() => explain({ fuse: false, fusion: 'max' }), 'ERR_OPTION_INVALID', 'fuse: false', '`fusion`');
    expect(flat(await cam.explain(x, { layer, fuse: false })).map(({ fusion }) => fusion)).toEqual([null, null]);
    expect((await explain({ fuse: true, fusion: 'max' })).fusion).toBe('max');
  });
});

describe('measured and evaluated', () => {
  it('an explanation is made again as it was', async () => {
    const map = await explain({ fusion: 'product', mapSize: 'input' });
    const own = await cam.measure(x, { map, metrics: ['coherency'] });
    expect(own.coherency).toMatchObject({ warnings: [] });
    const given = { method: 'grad-cam', layer, target: 1, metrics: ['coherency'] };
    const numbers = { data: map.map.data, width: 16, height: 16 };
    const named = await cam.measure(x, { map: numbers, ...given, fusion: 'product' });
    expect(named.coherency).toMatchObject({ value: own.coherency!.value, warnings: [] });
    const other = await cam.measure(x, { map: numbers, ...given });
    expect(other.coherency!.warnings).toEqual([expect.stringMatching(/fusion/)]);
  });

  it('fusions are methods of their own', async () => {
    const methods = [
      'grad-cam',
      { method: 'grad-cam', fusion: 'max' },
      { method: 'grad-cam', fusion: 'product', params: { relu: true } },
    ] as const;
    const run = cam.evaluate([{ name: 'x', tensor: x }], {
      methods,
      layers: [layer],
      metrics: ['complexity'],
      target: 1,
      controls: false,
    });
    const rows = [];
    for await (const row of run) rows.push(row as { params: string; value: number });
    expect(rows.map(({ params }) => params)).toEqual(['', '{"fusion":"max"}', '{"fusion":"product","relu":true}']);
    for (const [i, fusion] of (['mean', 'max', 'product'] as const).entries()) {
      const map = await explain({ fusion, mapSize: 'input' });
      const alone = await cam.measure(x, { map, metrics: ['complexity'] });
      expect(rows[i]!.value).toBeCloseTo(alone.complexity!.value!, 5);
    }
    await expectError(
      () => cam.evaluate([x], { methods: [{ method: 'grad-cam', fusion: 'maximum' as never }] }),
      'ERR_OPTION_INVALID',
      'max',
    );
  });
});
