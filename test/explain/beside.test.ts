import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkPreprocess } from '../../lib/image/preprocess-options.ts';
import { formatNpy } from '../../lib/io/npy.ts';
import { readUltralytics } from '../../lib/model/file/ultralytics.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { namesFromJson } from '../../lib/targets/label-shapes.ts';
import { expectError } from '../helpers/expect-error.ts';
import { CLASSES, one, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const IMAGE = { data: Buffer.alloc(20 * 30 * 3, 77), info: { width: 30, height: 20, channels: 3 } };
const NAMES = Array.from({ length: CLASSES }, (_, i) => `name ${i}`);

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'onnx-cam-beside-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A folder of its own with the model and files beside it. */
async function folderWith(model: Uint8Array, files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await mkdtemp(join(root, 'model-'));
  await writeFile(join(folder, 'model.onnx'), model);
  for (const [name, value] of Object.entries(files))
    await writeFile(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
  return join(folder, 'model.onnx');
}

const HALF = { do_rescale: true, rescale_factor: 1 / 255, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };

describe("Hugging Face's files", () => {
  const files = {
    'preprocessor_config.json': { ...HALF, size: { height: 40, width: 32 }, resample: 3 },
    'config.json': { id2label: Object.fromEntries(NAMES.entries()), image_size: 99 },
  };
  const anySize = plainModel({ size: ['h', 'w'] as never });

  it('say size, range, filter and labels, and results say so', async () => {
    const cam = await open(await folderWith(anySize, files));
    const { preprocess, target, warnings } = one(await cam.explain(IMAGE));
    expect(preprocess).toMatchObject({
      size: [32, 40],
      mean: [0.5, 0.5, 0.5],
      interpolation: 'bicubic',
      scaleGiven: false,
    });
    expect(target.label).toBe(NAMES[target.index]);
    expect(warnings).toContain('labels from config.json');
    expect(warnings.join('\n')).toMatch(/mean.*size.*from preprocessor_config\.json|size.*mean.*preprocessor_config/);
  });

  it('lose against the file beside the model, and that against options', async () => {
    const beside = { preprocess: { mean: 0.1, size: [16, 16] }, labels: NAMES.map(name => name.toUpperCase()) };
    const path = await folderWith(anySize, { ...files, 'model.onnx.json': beside });
    const own = one(await (await open(path)).explain(IMAGE));
    expect(own.preprocess).toMatchObject({
      size: [16, 16],
      mean: [0.1, 0.1, 0.1],
      std: [1, 1, 1],
      interpolation: 'bicubic',
    });
    expect(own.target.label).toMatch(/^NAME/);
    expect(own.warnings.join('\n')).not.toMatch(/size|mean/);
    const given = await open(path, { preprocess: { preset: 'unit', size: [24, 24] }, labels: NAMES });
    const result = one(await given.explain(IMAGE));
    expect(result.preprocess).toMatchObject({ size: [24, 24], preset: 'unit' });
    expect(result.target.label).toMatch(/^name/);
  });

  it('are not followed where the size of the model is another', async () => {
    const cam = await open(await folderWith(plainModel(), files));
    const { preprocess, warnings } = one(await cam.explain(IMAGE));
    expect(preprocess).toMatchObject({ size: [16, 16], mean: [0.5, 0.5, 0.5] });
    expect(warnings.join('\n')).toContain("says 32x40, the model's input is fixed at 16x16");
  });

  it('of no sense are refused, another config.json is not', async () => {
    await open(await folderWith(plainModel(), { 'config.json': 'not JSON at all' }));
    for (const [bad, says] of [
      ['{', 'cannot be read'],
      [{ image_std: [0, 0, 0] }, 'above 0'],
    ] as const) {
      const path = await folderWith(plainModel(), { 'preprocessor_config.json': bad });
      await expectError(() => open(path), 'ERR_OPTION_INVALID', 'preprocessor_config.json', says);
    }
  });

  it('in the folder above are named where nothing says the range, and not read', async () => {
    const folder = await mkdtemp(join(root, 'above-'));
    await mkdir(join(folder, 'onnx'));
    await writeFile(join(folder, 'onnx/model.onnx'), plainModel());
    await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(HALF));
    const path = join(folder, 'onnx/model.onnx');
    const { preprocess, warnings } = one(await (await open(path)).explain(IMAGE));
    expect(preprocess).toMatchObject({ preset: 'imagenet' });
    expect(warnings.at(-1)).toMatch(/preprocessor_config.json in the folder above is not read; copy it/);
    expect(one(await (await open(path, { preprocess: 'imagenet' })).explain(IMAGE)).warnings).toEqual([]);
  });
});

describe('fixed tensors of the file beside the model', () => {
  const spec = plainSpec();
  const model = buildModel({
    ...spec,
    nodes: [makeNode('Mul', ['image', 'by'], ['x']), ...spec.nodes],
    inputs: [
      { name: 'image', dims: ['N', 3, 16, 16] },
      { name: 'by', dims: [1] },
    ],
  });
  const npy = (value: number) => Buffer.concat(formatNpy({ data: Float32Array.of(value), dims: [1] }));

  it('are read from its folder, options win', async () => {
    const path = await folderWith(model, { 'model.onnx.json': { inputs: { by: 'two.npy' } } });
    await writeFile(join(path, '..', 'two.npy'), npy(2));
    const by = { type: 'float32', data: Float32Array.of(2), dims: [1] } as const;
    const options = { input: 'image' };
    const beside = one(await (await open(path, options)).explain(IMAGE));
    const given = one(await (await open(model, { ...options, inputs: { by } })).explain(IMAGE));
    expect(beside.raw.data).toEqual(given.raw.data);
    const half = { ...by, data: Float32Array.of(0.5) };
    const over = one(await (await open(path, { ...options, inputs: { by: half } })).explain(IMAGE));
    expect(over.target.score).not.toBe(beside.target.score);
  });

  it('are refused elsewhere and where they cannot be read', async () => {
    for (const file of ['../two.npy', 'missing.npy', 'model.onnx']) {
      const path = await folderWith(model, { 'model.onnx.json': { inputs: { by: file } } });
      await expectError(() => open(path), 'ERR_OPTION_INVALID', '"inputs" names', file);
    }
  });
});

describe("Ultralytics' metadata", () => {
  const metadata = new Map(
    Object.entries({ author: 'Ultralytics', imgsz: '[480, 640]', stride: '32', names: "{0: 'a', 1: 'b'}" }),
  );

  it('says size, letterbox and labels', () => {
    expect(readUltralytics(metadata)).toMatchObject({
      preprocess: { ...checkPreprocess('yolo'), size: [640, 480] },
      labels: ['a', 'b'],
    });
    expect(readUltralytics(new Map([...metadata, ['task', 'classify']]))!.preprocess).toMatchObject({
      preset: 'unit',
      fit: 'crop',
    });
    expect(readUltralytics(new Map([['names', "{0: 'a'}"]]))).toBeUndefined();
  });
});

describe('labels in JSON', () => {
  it.each<[unknown, string[] | undefined]>([
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [{ 0: 'a', 1: 'b' }, ['a', 'b']],
    [{ 0: ['n1', 'a'], 1: ['n2', 'b'] }, ['a', 'b']],
    [{ a: 0, b: 1 }, ['a', 'b']],
    [{ id2label: { 1: 'b', 0: 'a' } }, ['a', 'b']],
    [{ names: ['a', 'b'] }, ['a', 'b']],
    [
      [
        { id: 2, name: 'b' },
        { id: 0, name: 'a' },
      ],
      ['a', '1', 'b'],
    ],
    [{ 0: 'a', 5000000000: 'b' }, undefined],
    [{ 0: 1 }, ['1'] as never],
    ['text', undefined],
    [[], undefined],
    [{ a: 0, b: 0 }, undefined],
  ])('%j', (value, names) => {
    if (JSON.stringify(value) === '{"0":1}') expect(namesFromJson(value)).toBeUndefined();
    else expect(namesFromJson(value)).toEqual(names);
  });

  it('are read from files and options, text that begins with a bracket as lines', async () => {
    const lines = ['[PAD]', ...NAMES.slice(1)].join('\n');
    const object = Object.fromEntries(NAMES.entries());
    const path = await folderWith(plainModel(), {
      'a.json': object,
      'b.txt': lines,
      'c.json': '{',
      'd.json': { x: 'y' },
    });
    const names = async (labels: never) => {
      const [first] = (await (await open(path, { labels })).predict(IMAGE, { topK: CLASSES })).filter(
        p => p.index === 0,
      );
      return first!.label;
    };
    expect(await names('a.json' as never)).toBe('name 0');
    expect(await names('b.txt' as never)).toBe('[PAD]');
    expect(await names(object as never)).toBe('name 0');
    for (const [labels, says] of [
      ['c.json', 'no valid JSON'],
      ['d.json', 'another shape'],
      [{ x: 'y' }, '`labels` must be'],
      [[1, 2], '`labels` must be'],
    ] as const)
      await expectError(() => open(path, { labels: labels as never }), 'ERR_OPTION_INVALID', says);
  });
});

it('a model of open size that does not run at the one tried asks for it, without text of the runtime', async () => {
  const spec = plainSpec({ size: ['h', 'w'] as never });
  // Only 4x4 positions can be added to: pictures of 16x16.
  const nodes = spec.nodes.flatMap(node =>
    node.op === 'Relu' && node.outputs[0] === 'r2'
      ? [makeNode('Add', ['c2', 'positions'], ['sum']), makeNode('Relu', ['sum'], ['r2'])]
      : [node],
  );
  const positions = { dims: [1, 8, 4, 4], data: new Float32Array(128).fill(0.1) };
  const model = buildModel({ ...spec, nodes, initializers: { ...spec.initializers, positions } });
  const error = await expectError(() => open(model), 'ERR_MODEL_INVALID', 'size', '--size');
  expect(error.message).not.toMatch(/Status Message|\.cc/);
  expect(one(await (await open(model, { preprocess: { size: [16, 16] } })).explain(IMAGE)).status).toBeDefined();
});
