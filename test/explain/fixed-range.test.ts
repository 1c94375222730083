import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { colormapTable } from '../../lib/image/colormap.ts';
import type { ExplainOptions } from '../../lib/options.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import { expectError } from '../helpers/expect-error.ts';
import { brightnessModel, noiseImage, one } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const COFFEE = new URL('../../assets/pictures/coffee.jpg', import.meta.url);
const MODEL = new URL('../../assets/efficientnet-lite0.onnx', import.meta.url);

/** Columns of grey, four pixels wide and high. */
function columns(...greys: number[]) {
  const width = 4 * greys.length;
  const data = new Uint8Array(3 * 4 * width);
  for (let i = 0; i < data.length; i++) data[i] = greys[Math.floor((Math.floor(i / 3) % width) / 4)]!;
  return { data, info: { width, height: 4, channels: 3 } };
}

/** Colours of values in [0, 1]. */
const colours = (values: readonly number[]) =>
  values.flatMap(value => {
    const index = Math.floor(Math.fround(255 * Math.min(1, Math.max(0, value))));
    return [...colormapTable('viridis').subarray(3 * index, 3 * index + 3)];
  });

const firstRow = ({ data, info }: { data: Uint8Array; info: { width: number } }) => [
  ...data.subarray(0, 3 * info.width),
];

function farthest(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe('a fixed range of values for colours', () => {
  let cam: Explainer;
  /** Class 0 of the input 8 × 4: the method's value of a cell is half its brightness; class 1: its negative. */
  const of = async (greys: number[], options: ExplainOptions = {}) =>
    one(await cam.explain(columns(...greys), { target: 0, ...options }));
  beforeAll(async () => {
    cam = await open(brightnessModel(), { preprocess: { preset: 'raw', size: [8, 4] } });
  });

  it('shows the values of the method, whatever the rest of the picture is', async () => {
    const options = { colormap: 'viridis', range: [0, 0.4] } as const;
    // 51 and 255 of 255 are 0.2 and 1, so that the values are 0.1 and 0.5: a quarter of the range, and beyond it.
    const layer = await of([51, 255], { mapSize: 'layer' });
    expect([...layer.raw.data].map(value => Number(value.toFixed(5)))).toEqual([0.1, 0.5]);
    const [low, high] = (await layer.range())!;
    expect([low, high].map(value => Number(value.toFixed(5)))).toEqual([0.1, 0.5]);
    expect(firstRow(await layer.heatmap(options))).toEqual(colours([0.1 / 0.4, 1]));
    const darker = await of([51, 102], { mapSize: 'layer' });
    expect(firstRow(await darker.heatmap(options))).toEqual(colours([0.1 / 0.4, 0.2 / 0.4]));
    // By default both are the first and the last colour.
    for (const each of [layer, darker])
      expect(firstRow(await each.heatmap({ colormap: 'viridis' }))).toEqual(colours([0, 1]));
  });

  it('is enlarged before it is cut off', async () => {
    const picture = await of([51, 255]);
    // Half-pixel: 0.1 up to the middle of the first cell, 0.5 from that of the second on.
    const values = [0.1, 0.1, 0.15, 0.25, 0.35, 0.45, 0.5, 0.5];
    const range = [0.12, 0.42] as const;
    const expected = colours(values.map(value => (value - 0.12) / 0.3));
    const found = firstRow(await picture.heatmap({ colormap: 'viridis', range }));
    expect(farthest(Uint8Array.from(found), Uint8Array.from(expected))).toBeLessThanOrEqual(4);
    // An overlay of colours alone, and the map itself stays as it was.
    const alone = await picture.overlay({ colormap: 'viridis', range, alpha: 1 });
    expect(firstRow(alone)).toEqual(found);
    expect(Math.max(...picture.map.data)).toBe(1);
    const bytes = await picture.toBuffer({ kind: 'heatmap', range, colormap: 'viridis' });
    expect(bytes.equals(await picture.toBuffer({ kind: 'heatmap', colormap: 'viridis' }))).toBe(false);
  });

  it('has a colour where nothing stands out, and none for negative values', async () => {
    const flat = await of([102, 102], { mapSize: 'layer' });
    expect(flat.status).toBe('constant');
    expect(firstRow(await flat.heatmap({ colormap: 'viridis' }))).toEqual(colours([0, 0]));
    expect(firstRow(await flat.heatmap({ colormap: 'viridis', range: [0, 0.4] }))).toEqual(colours([0.5, 0.5]));
    const against = await of([51, 255], { mapSize: 'layer', target: 1 });
    expect(against.status).toBe('zero');
    expect(await against.range()).toEqual([0, 0]);
    expect(firstRow(await against.heatmap({ colormap: 'viridis', range: [-1, 1] }))).toEqual(colours([0.5, 0.5]));
    const signed = await of([51, 255], { mapSize: 'layer', target: 1, params: { relu: false } });
    const [least, most] = (await signed.range())!;
    expect([least, most].map(value => Number(value.toFixed(5)))).toEqual([-0.5, -0.1]);
    const shown = firstRow(await signed.heatmap({ colormap: 'viridis', range: [-0.6, 0.2] }));
    expect(farthest(Uint8Array.from(shown), Uint8Array.from(colours([0.625, 0.125])))).toBeLessThanOrEqual(4);
  });

  it('leaves the first colour to what a crop cut away', async () => {
    const cropping = await open(brightnessModel(), { preprocess: { preset: 'raw', size: [8, 4], fit: 'crop' } });
    const cut = one(await cropping.explain(columns(255, 102, 204, 255), { target: 0 }));
    const row = firstRow(await cut.heatmap({ colormap: 'viridis', range: [-1, 1] }));
    const [first] = [colours([0])];
    for (const x of [0, 3, 12, 15]) expect(row.slice(3 * x, 3 * x + 3)).toEqual(first);
    expect(row.slice(12, 15)).toEqual(colours([0.6]));
    expect(row.slice(33, 36)).toEqual(colours([0.7]));
  });

  it('refuses what is no range', async () => {
    const result = await of([51, 255]);
    for (const range of [[1, 0], [1, 1], [0], [0, 1, 2], [0, Number.NaN], ['0', '1'], 'auto', {}, null])
      await expectError(() => result.heatmap({ range: range as never }), 'ERR_OPTION_INVALID', 'range', 'low, high');
    await expectError(() => result.overlay({ range: [1, 0] }), 'ERR_OPTION_INVALID', 'range');
    await expectError(() => result.toBuffer({ range: [1, 0] }), 'ERR_OPTION_INVALID', 'range');
  });
});

describe("a map's own range", () => {
  const cases: [string, Parameters<Explainer['explain']>[1], ('squeeze' | 'crop' | 'letterbox')?][] = [
    ['grad-cam', {}],
    ['torchcam', { convention: 'torchcam' }],
    ['a crop', {}, 'crop'],
    ['a letterbox', {}, 'letterbox'],
    ['at the size of the input', { mapSize: 'input' }, 'letterbox'],
    ['at the size of the layer', { mapSize: 'layer' }, 'crop'],
    ['reduced', { mapSize: { max: 100 } }, 'crop'],
    ['enlarged before it is stretched', { method: 'layer-cam' }],
    ['without ReLU', { params: { relu: false } }],
    ['of the activations alone', { method: 'eigen-cam' }],
    ['of a concept', { method: 'dff' }],
    ['of a technique', { technique: 'smooth-grad', method: 'hirescam' }],
  ];
  it.each(cases)('gives the colours that it has by itself: %s', async (_, options, fit = 'squeeze') => {
    const cam = await open(MODEL, { preprocess: { preset: 'imagenet', fit } });
    const result = one(await cam.explain(COFFEE, options));
    const range = (await result.range())!;
    for (const kind of ['heatmap', 'overlay'] as const) {
      const [own, fixed] = [await result[kind](), await result[kind]({ range })];
      expect(fixed.info).toEqual(own.info);
      // One of 255 colours further, which is 4 of 255 in jet; at the ends of a map that is not stretched to its very last value.
      expect(farthest(fixed.data, own.data)).toBeLessThanOrEqual(4);
    }
  });

  it('is that of the merged maps where a technique merges finished ones', async () => {
    const cam = await open(MODEL, { preprocess: 'imagenet' });
    const result = one(await cam.explain(COFFEE, { technique: 'augmentation' }));
    const [low, high] = (await result.range())!;
    expect(low).toBeGreaterThanOrEqual(0);
    expect(high).toBeLessThanOrEqual(1);
    const [own, fixed] = [await result.heatmap(), await result.heatmap({ range: [0, 1] })];
    expect(farthest(fixed.data, own.data)).toBeLessThanOrEqual(4);
  });

  it('is, of several layers, that of their mean', async () => {
    const cam = await open(MODEL, { preprocess: 'imagenet' });
    const result = one(await cam.explain(COFFEE, { layer: [-1, -2], params: { relu: false } }));
    const [low, high] = (await result.range())!;
    expect([low, high]).toEqual([Math.min(...result.raw.data), Math.max(...result.raw.data)]);
  });

  it('holds for planes of volumes', async () => {
    const file = new URL('../golden/volumes/volumes-legacy.onnx.gz', import.meta.url);
    const cam = await open(gunzipSync(readFileSync(file)));
    const dims = JSON.parse(readFileSync(new URL('../golden/volumes/golden.json', import.meta.url), 'utf8')).networks
      .volumes.dims as number[];
    const result: Explanation = one(await cam.explain(noiseImage(dims), { params: { relu: false } }));
    const range = (await result.range())!;
    for (const plane of [{}, { slice: 0 }, { axis: 'height', slice: 1 }] as const) {
      const [own, fixed] = [await result.heatmap(plane), await result.heatmap({ ...plane, range })];
      expect(fixed.info).toEqual(own.info);
      expect(farthest(fixed.data, own.data)).toBeLessThanOrEqual(4);
    }
  });
});
