import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/expect-close.ts';
import { one } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

type LayerMaps = Readonly<Record<string, readonly number[]>>;
interface Golden {
  readonly class: number;
  readonly dims: readonly number[];
  readonly image: readonly number[];
  readonly models: Readonly<Record<string, { scores: readonly number[]; layers: Readonly<Record<string, LayerMaps>> }>>;
}

const FOLDER = new URL('../golden/quantised/', import.meta.url);
const golden: Golden = JSON.parse(readFileSync(new URL('golden.json', FOLDER), 'utf8'));
const image = { type: 'float32', data: Float32Array.from(golden.image), dims: golden.dims } as const;
const fileOf = (name: string) => gunzipSync(readFileSync(new URL(`${name}.onnx.gz`, FOLDER)));

const openModel = explainerOpener();
const open = (name: string) => openModel(fileOf(name), { intraOpNumThreads: 1 });

const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs));

describe.each(['qdq', 'qoperator', 'dynamic'])('a network quantised as %s', name => {
  const expected = golden.models[name]!;

  it('has the scores of the file and straight-through maps at every layer', async () => {
    const cam = await open(name);
    const listed = new Map(cam.layers().map(layer => [layer.name, layer]));
    let compared = 0;
    for (const [tensor, maps] of Object.entries(expected.layers)) {
      const layer = tensor.replace(/_quantized$/, '');
      if (!listed.has(layer)) continue;
      for (const method of ['grad-cam', 'hirescam', 'layer-cam']) {
        const result = one(await cam.explain(image, { method, layer, target: golden.class }));
        expect(result.target.score).toBeCloseTo(expected.scores[golden.class]!, 5);
        expect(result.raw.dims).toEqual(maps.dims);
        expectClose(result.raw.data, maps[method]!, 2e-5 * largest(maps[method]!));
        compared++;
      }
    }
    expect(compared).toBeGreaterThanOrEqual(15);
  });

  it('lists every feature map once, by the operator that made it, and chooses the last activation', async () => {
    const cam = await open(name);
    const layers = cam.layers();
    expect(layers.filter(({ operator }) => /Linear|Quantize|Integer/.test(operator))).toEqual([]);
    expect(new Set(layers.map(({ name }) => name)).size).toBe(layers.length);
    const chosen = layers.find(layer => layer.chosen)!;
    expect(chosen.shape.slice(1)).toEqual([16, 4, 4]);
    expect(chosen).toBe(layers.at(-1));
  });

  it('gives CAM the dequantised rows of its classifier: the map of Grad-CAM', async () => {
    const cam = await open(name);
    const [cams, gradCam] = (await cam.explain(image, { methods: ['cam', 'grad-cam'], target: golden.class })) as [
      ReturnType<typeof one>,
      ReturnType<typeof one>,
    ];
    // Grad-CAM's weights are those of CAM over the number of positions.
    expectClose(
      cams.raw.data,
      Array.from(gradCam.raw.data, value => value * 16),
      1e-5 * largest(Array.from(cams.raw.data)),
    );
  });

  it('gives FullGrad the biases of all six convolutions', async () => {
    const cam = await open(name);
    const result = one(await cam.explain(image, { method: 'fullgrad', target: golden.class }));
    expect(result.layer).toHaveLength(7);
  });

  it('is scored by methods that change the picture or the layer', async () => {
    const cam = await open(name);
    for (const method of ['score-cam', 'ablation-cam', 'eigen-cam']) {
      const result = one(await cam.explain(image, { method, target: golden.class }));
      expect(result.status).toBe('ok');
    }
  });
});

it('finds a dequantised layer by the name that its tensor had before', async () => {
  const cam = await open('qdq');
  const result = one(await cam.explain(image, { layer: '/Relu_2_output_0', target: golden.class }));
  expect(result.layer).toMatchObject({ name: '/Relu_2_output_0_DequantizeLinear_Output' });
});

it('runs a model whose scales follow the batch one image at a time', async () => {
  const cam = await open('dynamic');
  const bright = { ...image, data: image.data.map(value => 9 * value) };
  const results = (await cam.explain([image, bright], { target: golden.class })) as ReturnType<typeof one>[];
  const alone = one(await cam.explain(image, { target: golden.class }));
  expect(Array.from(results[0]!.raw.data)).toEqual(Array.from(alone.raw.data));
});
