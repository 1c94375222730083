import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
} from 'onnx-buf';
import { expect, test } from 'vitest';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { residualModel, residualSpec } from '../helpers/small-models.ts';
import { CAT, type Client, errorOf, serve } from './harness.ts';

const model = (name = 'net.onnx') => ({ name, data: residualModel() });
const uploaded = ({ server }: Client) => readdirSync(server.folder);

test('a model says its layers, methods and labels', async () => {
  const client = await serve();
  const labels = { name: 'names.txt', data: 'ant\nbee\ncat\ndog\n<img onerror=alert(1)>\n' };
  const served = await client.addModel(model(), labels);
  expect(served).toMatchObject({ name: 'net.onnx', labels: ['ant', 'bee', 'cat', 'dog', '<img onerror=alert(1)>'] });
  expect(served.layers.filter(({ chosen }) => chosen)).toMatchObject([
    { name: 'r2', operator: 'Relu', shape: [null, 4, 8, 8] },
  ]);
  expect(served.methods.find(({ name }) => name === 'grad-cam')).toMatchObject({ title: 'Grad-CAM', refused: null });
  expect(served.methods.find(({ name }) => name === 'attention-rollout')?.refused).toMatch(/attention/);
  expect((await client.state()).models).toEqual([served]);
  expect(statSync(client.server.folder).mode & 0o777).toBe(0o700);
});

test('what lies beside a model is read as on a disk', async () => {
  const client = await serve();
  const config = {
    name: 'config.json',
    data: JSON.stringify({ id2label: { 0: 'a', 1: 'b', 2: 'c', 3: 'd', 4: 'e' } }),
  };
  expect((await client.addModel(model(), config)).labels).toEqual(['a', 'b', 'c', 'd', 'e']);
  const settings = { name: 'net.onnx.json', data: JSON.stringify({ labels: ['v', 'w', 'x', 'y', 'z'] }) };
  expect((await client.addModel(model(), settings)).labels).toEqual(['v', 'w', 'x', 'y', 'z']);
  const classes = {
    name: 'index.json',
    data: JSON.stringify({ 0: ['n1', 'ant'], 1: ['n2', 'bee'], 2: ['n3', 'c'], 3: ['n4', 'd'], 4: ['n5', 'e'] }),
  };
  expect(
    (await client.addModel(model(), classes, { name: 'tokenizer.json', data: '{"version":"1.0","padding":null}' }))
      .labels?.[1],
  ).toBe('bee');
  expect(
    (await client.addModel(model(), { name: 'my.list', field: 'labels', data: '1\n2\n3\n4\n5' })).labels?.[4],
  ).toBe('5');
  expect((await client.addModel(model())).labels).toBeNull();
});

test('weights in other files come with the model', async () => {
  const client = await serve();
  const { graph, weights } = externalModel();
  const alone = await errorOf(await client.post('/api/models', [{ name: 'big.onnx', data: graph }]));
  expect(alone).toMatchObject({ status: 422, code: 'ERR_EXTERNAL_DATA' });
  expect(alone.message).toContain('big.onnx.data');
  expect(alone.message).not.toContain(client.server.folder);
  expect(uploaded(client)).toEqual([]);
  const served = await client.addModel({ name: 'big.onnx.data', data: weights }, { name: 'big.onnx', data: graph });
  expect(served.name).toBe('big.onnx');
});

test.each([
  [
    'a text',
    [{ name: 'model.onnx', data: 'This is no model.\n'.repeat(100) }],
    422,
    'ERR_MODEL_INVALID',
    /expected an ONNX file, this is text/,
  ],
  ['an empty file', [{ name: 'model.onnx', data: '' }], 422, 'ERR_MODEL_INVALID', /is empty/],
  ['another name, alone', [{ name: 'notes.txt', data: 'hello' }], 422, 'ERR_MODEL_INVALID', /this is text/],
  ['no file', [], 400, 'ERR_USAGE', /no file/],
  ['two models', [model('a.onnx'), model('b.onnx')], 400, 'ERR_USAGE', /a\.onnx, b\.onnx are several models/],
  [
    'no model',
    [
      { name: 'a.txt', data: 'x' },
      { name: 'b.txt', data: 'y' },
    ],
    400,
    'ERR_USAGE',
    /none of a\.txt, b\.txt/,
  ],
  [
    'two of a name',
    [model(), { name: 'NET.onnx', data: 'x' }],
    400,
    'ERR_USAGE',
    /two of the files are called NET\.onnx/,
  ],
  [
    'two label files',
    [model(), { name: 'a.txt', data: 'x' }, { name: 'b.txt', data: 'y' }],
    400,
    'ERR_USAGE',
    /a\.txt, b\.txt/,
  ],
  [
    'settings of another model',
    [model(), { name: 'other.onnx.json', data: '{}' }],
    400,
    'ERR_USAGE',
    /rename other\.onnx\.json/,
  ],
  [
    'settings that are none',
    [model(), { name: 'net.onnx.json', data: '{' }],
    422,
    'ERR_OPTION_INVALID',
    /net\.onnx\.json/,
  ],
])('as a model %s is refused, and leaves nothing', async (_, files, status, code, message) => {
  const client = await serve();
  const error = await errorOf(await client.post('/api/models', files));
  expect(error).toEqual({ status, code, message: expect.stringMatching(message) });
  expect(error.message).not.toContain(client.server.folder);
  expect(uploaded(client)).toEqual([]);
  expect((await client.state()).models).toEqual([]);
});

test.each([
  [
    'an HTML page',
    { name: 'cat.png', data: '<!doctype html><p>cat</p>' },
    422,
    'ERR_IMAGE_INVALID',
    /cat\.png cannot be decoded/,
  ],
  ['an empty file', { name: 'cat.png', data: '' }, 422, 'ERR_IMAGE_INVALID', /empty/],
  ['a model', model(), 422, 'ERR_IMAGE_INVALID', /net\.onnx/],
])('as a picture %s is refused, and leaves nothing', async (_, file, status, code, message) => {
  const client = await serve();
  const error = await errorOf(await client.post('/api/pictures', [file]));
  expect(error).toEqual({ status, code, message: expect.stringMatching(message) });
  expect(error.message).not.toContain(client.server.folder);
  expect(uploaded(client)).toEqual([]);
});

test('pictures come one at a time, as forms', async () => {
  const client = await serve();
  expect(await errorOf(await client.post('/api/pictures', [CAT, 'assets/pictures/coffee.jpg']))).toMatchObject({
    status: 400,
    message: 'no more than 1 file at a time, please',
  });
  const plain = await client.fetch('/api/pictures', {
    method: 'POST',
    body: 'x',
    headers: { 'content-type': 'text/plain' },
  });
  expect(plain.status).toBe(415);
  const broken = await client.fetch('/api/pictures', {
    method: 'POST',
    body: 'x',
    headers: { 'content-type': 'multipart/form-data' },
  });
  expect(broken.status).toBeGreaterThanOrEqual(400);
  expect(broken.status).toBeLessThan(500);
  expect(uploaded(client)).toEqual([]);
});

test('a picture is shown small, and keeps its own size', async () => {
  const client = await serve();
  const served = await client.addPicture();
  expect(served).toMatchObject({ name: 'cat.png', width: 451, height: 300 });
  expect(served.picture).toMatchObject({ type: 'image/webp', width: 448, height: 298 });
  expect(Buffer.from(served.picture.data, 'base64').subarray(8, 12).toString()).toBe('WEBP');
});

test.each([
  ['../../../etc/passwd.onnx', 'passwd.onnx'],
  ['C:\\models\\net.onnx', 'net.onnx'],
  ['a\u0007b\u202ec.onnx', 'abc.onnx'],
  ['...onnx', 'onnx'],
  ['con.onnx', '_con.onnx'],
  [`${'x'.repeat(300)}.onnx`, `${'x'.repeat(195)}.onnx`],
  ['Modèle 猫 (1).onnx', 'Modèle 猫 (1).onnx'],
  ["it's; rm -rf $HOME `x`.onnx", "it's; rm -rf $HOME `x`.onnx"],
])('a model called %j is %j', async (name, safe) => {
  const client = await serve();
  const served = await client.addModel(model(name));
  expect(served.name).toBe(safe);
  const [folder] = uploaded(client);
  expect(readdirSync(join(client.server.folder, folder!))).toEqual([safe]);
});

test('pictures of one name live side by side', async () => {
  const client = await serve();
  const [a, b] = [await client.addPicture(), await client.addPicture()];
  expect(a.id).not.toBe(b.id);
  expect((await client.state()).pictures.map(({ name }) => name)).toEqual(['cat.png', 'cat.png']);
});

/** A model whose first weight lies in big.onnx.data. */
function externalModel(): { graph: Uint8Array; weights: Uint8Array } {
  const spec = residualSpec();
  const { data } = noise([4, 3, 3, 3], 1, 0.5);
  const w1 = create(TensorProtoSchema, {
    dims: [4n, 3n, 3n, 3n],
    dataType: DataType.FLOAT,
    dataLocation: DataLocation.EXTERNAL,
    externalData: [create(StringStringEntryProtoSchema, { key: 'location', value: 'big.onnx.data' })],
  });
  const graph = buildModel({ ...spec, initializers: { ...spec.initializers, w1 } });
  return { graph, weights: new Uint8Array((data as Float32Array).buffer) };
}
