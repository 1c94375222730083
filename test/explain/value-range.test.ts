import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TensorType } from '../../lib/engine/tensor.ts';
import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { codeOfType } from '../../lib/model/graph/tensor-values.ts';
import { one, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { buildModel, int64, type WeightSpec } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const IMAGE = { data: Buffer.alloc(20 * 30 * 3, 77), info: { width: 30, height: 20, channels: 3 } };
const HALF = { do_rescale: true, rescale_factor: 1 / 255, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'onnx-cam-range-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A folder of its own with the model and files beside it. */
async function folderWith(model: Uint8Array, files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await mkdtemp(join(root, 'model-'));
  await writeFile(join(folder, 'model.onnx'), model);
  for (const [name, value] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(value));
  return join(folder, 'model.onnx');
}

/** The network behind nodes that make `x` of `image`. */
function behind(nodes: readonly GraphNode[], weights: Readonly<Record<string, WeightSpec>>, type?: TensorType) {
  const spec = plainSpec();
  return buildModel({
    ...spec,
    nodes: [...nodes, ...spec.nodes],
    inputs: [{ name: 'image', type, dims: ['N', 3, 16, 16] }],
    initializers: { ...spec.initializers, ...weights },
  });
}
const perChannel = (...data: number[]): WeightSpec => ({ dims: [1, data.length, 1, 1], data });

describe('a range that nothing says', () => {
  const NOTHING = /nothing says which values .*\(preset 'imagenet'\)/;
  const warningsOf = async (...given: Parameters<typeof open>) =>
    one(await (await open(...given)).explain(IMAGE)).warnings.join('\n');

  it("is ImageNet's, and results say so", async () => {
    const result = one(await (await open(plainModel())).explain(IMAGE));
    expect(result.preprocess).toMatchObject({ preset: 'imagenet' });
    expect(result.warnings).toEqual([expect.stringMatching(NOTHING)]);
    const sized = await folderWith(plainModel({ size: ['h', 'w'] as never }), { 'config.json': { image_size: 32 } });
    expect(await warningsOf(sized)).toMatch(NOTHING);
  });

  it('is no word more where options, files, metadata, the graph or the type say it', async () => {
    for (const preprocess of ['imagenet', 'unit', { mean: 0.5, std: 0.5 }, { range: [0, 99] as const }] as const)
      expect(await warningsOf(plainModel(), { preprocess })).toBe('');
    expect(await warningsOf(plainModel(), { preprocess: { fit: 'crop' } })).toMatch(NOTHING);
    const files = { 'model.onnx.json': { preprocess: 'imagenet' } };
    expect(await warningsOf(await folderWith(plainModel(), files))).toBe('');
    const hugging = await folderWith(plainModel(), { 'preprocessor_config.json': HALF });
    expect(await warningsOf(hugging)).toMatch(/^preprocessing: mean, std from preprocessor_config.json$/);
    const cast = makeNode('Cast', ['image'], ['x'], { to: codeOfType('float32') });
    expect(await warningsOf(behind([cast], {}, 'uint8'))).toBe('');
    const image = { type: 'float32', data: new Float32Array(768), dims: [1, 3, 16, 16] } as const;
    expect(one(await (await open(plainModel())).explain(image)).warnings).toEqual([]);
  });
});

describe('graphs that rescale by themselves', () => {
  const rescaling = (op: string, value: number) =>
    behind([makeNode(op, ['image', 'by'], ['x'])], { by: { dims: [1], data: [value] } });

  it.each<[string, readonly GraphNode[], Readonly<Record<string, WeightSpec>>, object, RegExp]>([
    [
      '2·x − 1',
      [makeNode('Mul', ['image', 'two'], ['a']), makeNode('Sub', ['a', 'one'], ['x'])],
      { two: { dims: [], data: [2] }, one: { dims: [], data: [1] } },
      { preset: 'unit' },
      /multiplies by 2 and subtracts 1/,
    ],
    [
      '255·x',
      [makeNode('Mul', ['image', 'by'], ['x'])],
      { by: { dims: [1], data: [255] } },
      { preset: 'unit' },
      /by 255/,
    ],
    [
      "torchvision's transform_input",
      [makeNode('Mul', ['image', 'by'], ['x'])],
      { by: perChannel(0.458, 0.448, 0.45) },
      { preset: 'imagenet' },
      /0\.458/,
    ],
    [
      'statistics of 0..1',
      [makeNode('BatchNormalization', ['image', 'std', 'zero', 'mean', 'variance'], ['x'])],
      {
        std: { dims: [3], data: [1, 1, 1] },
        zero: { dims: [3], data: [0, 0, 0] },
        mean: { dims: [3], data: [0.48, 0.46, 0.41] },
        variance: { dims: [3], data: [0.05, 0.05, 0.05] },
      },
      { preset: 'unit' },
      /means of 0\.\.1/,
    ],
    [
      'sixteen bits',
      [makeNode('Div', ['image', 'by'], ['x'])],
      { by: { dims: [1], data: [65_535] } },
      { mean: [0, 0, 0], std: [1 / 65_535, 1 / 65_535, 1 / 65_535], scaleGiven: false },
      /go in as 0\.\.65535/,
    ],
    ...(
      [
        [1 / 255, 0, 'unit'],
        [1, 0, 'raw'],
        [2 / 255, 128, 'inception'],
        [0.0187, 114, 'imagenet'],
      ] as const
    ).map(
      ([scale, zero, preset]): [string, readonly GraphNode[], Readonly<Record<string, WeightSpec>>, object, RegExp] => [
        `quantised as ${preset}`,
        [
          makeNode('QuantizeLinear', ['image', 'scale', 'point'], ['q']),
          makeNode('DequantizeLinear', ['q', 'scale', 'point'], ['x']),
        ],
        { scale: { dims: [], data: [scale] }, point: { dims: [], type: 'uint8', data: Uint8Array.of(zero) } },
        { preset },
        /itself quantises/,
      ],
    ),
  ])('%s', async (_, nodes, weights, preprocess, says) => {
    const result = one(await (await open(behind(nodes, weights))).explain(IMAGE));
    expect(result.preprocess).toMatchObject(preprocess);
    expect(result.warnings).toEqual([expect.stringMatching(says)]);
  });

  it.each([
    [103.939, 116.779, 123.68],
    [0.406, 0.456, 0.485],
  ])('means of %d, %d, %d in this order are those of blue, green, red', async (...means) => {
    const sub = makeNode('Sub', ['image', 'means'], ['x']);
    const plain = one(await (await open(behind([sub], { means: perChannel(...means) }))).explain(IMAGE));
    expect(plain.preprocess).toMatchObject({ channelOrder: 'bgr' });
    expect(plain.warnings.join()).toContain('blue, green and red');
    const rgb = perChannel(...means.toReversed());
    expect(one(await (await open(behind([sub], { means: rgb }))).explain(IMAGE)).preprocess!.channelOrder).toBe('rgb');
    const given = await open(behind([sub], { means: perChannel(...means) }), { preprocess: { channelOrder: 'rgb' } });
    expect(one(await given.explain(IMAGE)).preprocess!.channelOrder).toBe('rgb');
    // Turned in the graph.
    const turned = [
      makeNode('Gather', ['image', 'order'], ['turned'], { axis: 1 }),
      makeNode('Sub', ['turned', 'means'], ['x']),
    ];
    const cam = await open(behind(turned, { means: perChannel(...means), order: int64(2, 1, 0) }));
    expect(one(await cam.explain(IMAGE)).preprocess!.channelOrder).toBe('rgb');
  });

  it.each([
    ['Div', 255, 'raw'],
    ['Mul', 1 / 255, 'raw'],
    ['Sub', 127.5, 'raw'],
    ['Sub', 0.45, 'unit'],
  ] as const)('%s by %d: pictures go in as %s, and it is said', async (op, value, preset) => {
    const model = rescaling(op, value);
    const plain = one(await (await open(model)).explain(IMAGE));
    expect(plain.preprocess).toMatchObject({ preset });
    expect(plain.warnings.join('\n')).toContain('the graph itself');
    const given = one(await (await open(model, { preprocess: preset })).explain(IMAGE));
    expect(given.warnings).toEqual([]);
    expect(given.raw.data).toEqual(plain.raw.data);
    const twice = one(await (await open(model, { preprocess: 'imagenet' })).explain(IMAGE));
    expect(twice.preprocess).toMatchObject({ preset: 'imagenet' });
    expect(twice.warnings.join('\n')).toContain('normalised before as well');
  });

  it.each([
    ['Mul', 2],
    ['Add', 0.1],
    ['Div', 2],
  ])('%s by %d is none', async (op, value) => {
    const result = one(await (await open(rescaling(op, value))).explain(IMAGE));
    expect(result.preprocess).toMatchObject({ preset: 'imagenet' });
    expect(result.warnings.join()).not.toContain('the graph itself');
  });
});
