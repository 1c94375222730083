import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import * as library from '../../lib/index.ts';
import { formatNpy, readNpy } from '../../lib/io/npy.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { residualModel } from '../helpers/small-models.ts';
import { expectWhole, makePicture, readManifest, runHere, workInTemporaryFolder } from './harness.ts';

/** The commands on small models of five classes, in this process. */
const model = residualModel();
const run = (...argv: string[]) => runHere(argv, { library });

beforeEach(async () => {
  workInTemporaryFolder();
  writeFileSync('model.onnx', model);
  await makePicture('a.png', 24, 20);
});

describe('explain', () => {
  it('takes tensors, one file of several images too', async () => {
    const values = (count: number) => noise([count], 3).data;
    writeFileSync('one.npy', Buffer.concat(formatNpy({ data: values(768), dims: [3, 16, 16] })));
    writeFileSync('two.npy', Buffer.concat(formatNpy({ data: values(1536), dims: [2, 3, 16, 16] })));
    const { code } = await run('explain', 'model.onnx', '*.npy', '-o', 'out');
    expect(code).toBe(0);
    expect(readdirSync('out').filter(name => name.endsWith('map.npy'))).toEqual([
      'one.grad-cam.map.npy',
      'two.0.grad-cam.map.npy',
      'two.1.grad-cam.map.npy',
    ]);
    expect((await readNpy(join('out', 'one.grad-cam.map.npy'))).data).toEqual(
      (await readNpy(join('out', 'two.0.grad-cam.map.npy'))).data,
    );
  });

  it('takes volumes with and without N and writes maps of their size', async () => {
    writeFileSync('volumes.onnx', volumeModel());
    const values = (count: number) => noise([count], 3).data;
    writeFileSync('one.npy', Buffer.concat(formatNpy({ data: values(240), dims: [2, 4, 6, 5] })));
    writeFileSync('two.npy', Buffer.concat(formatNpy({ data: values(480), dims: [2, 2, 4, 6, 5] })));
    const { code } = await run('explain', 'volumes.onnx', '*.npy', '-o', 'out', '--save', 'map,raw,overlay');
    expect(code).toBe(0);
    expect((await readNpy(join('out', 'two.1.grad-cam.map.npy'))).dims).toEqual([4, 6, 5]);
    expect((await readNpy(join('out', 'one.grad-cam.raw.npy'))).dims).toEqual([2, 3, 3]);
    expect((await readNpy(join('out', 'one.grad-cam.map.npy'))).data).toEqual(
      (await readNpy(join('out', 'two.0.grad-cam.map.npy'))).data,
    );
    expect(await sharp(join('out', 'one.grad-cam.overlay.png')).metadata()).toMatchObject({ width: 5, height: 6 });
    const { results } = readManifest('out');
    expect(results[0]!.map.dims).toEqual([4, 6, 5]);
  });

  it('says of every bad input what is wrong with it, and explains the others', async () => {
    const write = (name: string, content: string | Buffer) => writeFileSync(name, content);
    write('empty.png', '');
    write('text.jpg', 'this is not a picture');
    const jpeg = await sharp('a.png').jpeg().toBuffer();
    write('cut.jpg', jpeg.subarray(0, jpeg.length / 2));
    write('huge.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="20000" height="20000"/>');
    write('text.npy', 'this is not an array');
    write('small.npy', Buffer.concat(formatNpy({ data: new Float32Array(12), dims: [3, 2, 2] })));
    mkdirSync('empty-folder');
    await makePicture('dot.png', 1, 1);
    await makePicture('line.png', 1, 4000);
    const bad = {
      'missing.png': 'ERR_IMAGE_NOT_FOUND',
      'empty.png': 'ERR_IMAGE_INVALID',
      'text.jpg': 'ERR_IMAGE_INVALID',
      'cut.jpg': 'ERR_IMAGE_INVALID',
      'huge.svg': 'ERR_IMAGE_INVALID',
      'missing.npy': 'ERR_IMAGE_NOT_FOUND',
      'text.npy': 'ERR_IMAGE_INVALID',
      'small.npy': 'ERR_INPUT_SHAPE',
      'empty-folder': 'ERR_IMAGE_NOT_FOUND',
      'nothing-*.png': 'ERR_IMAGE_NOT_FOUND',
    };
    const { code, stdout, stderr } = await run(
      ...['explain', 'model.onnx', ...Object.keys(bad), 'dot.png', 'line.png', 'a.png', '-o', 'out', '--json'],
    );
    expect(code).toBe(1);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    const failed = lines.filter(line => line.error);
    expect(Object.fromEntries(failed.map(({ input, error }) => [input, error.code]))).toEqual(bad);
    for (const [name, expected] of Object.entries(bad))
      expect(stderr).toMatch(new RegExp(`^onnx-cam: ${expected}: .*${name.replace('*', '\\*')}`, 'm'));
    expect(lines.filter(line => line.files).map(line => line.input)).toEqual(['dot.png', 'line.png', 'a.png']);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stderr).toContain('3 results, 10 of 13 inputs failed');
    expectWhole('out');
  });

  it.each([
    ['a missing model', 'nowhere.onnx', undefined, 'ERR_MODEL_NOT_FOUND'],
    ['an empty one', 'bad.onnx', Buffer.alloc(0), 'ERR_MODEL_INVALID'],
    ['a text', 'bad.onnx', Buffer.from('this is not a model'), 'ERR_MODEL_INVALID'],
    ['half a model', 'bad.onnx', Buffer.from(model.subarray(0, model.length / 2)), 'ERR_MODEL_INVALID'],
    ['a model without layers of positions', 'bad.onnx', denseModel(), 'ERR_NO_SPATIAL_LAYER'],
    ['a folder', '.', undefined, 'ERR_MODEL_'],
  ])('refuses %s with exit 2', async (_, path, content, expected) => {
    if (content) writeFileSync(path, content);
    const { code, stdout, stderr } = await run('explain', path, 'a.png', '-o', 'out');
    expect(stderr).toMatch(new RegExp(`^onnx-cam: ${expected}[^\\n]*\\n$`));
    expect({ code, stdout, isMade: existsSync('out') }).toEqual({ code: 2, stdout: '', isMade: false });
  });

  it.each([
    [['-t', '5'], 'ERR_TARGET_RANGE'],
    [['-t', 'tabby'], 'ERR_TARGET_UNKNOWN'],
    [['-t', 'top6'], 'ERR_TARGET_RANGE'],
    [['-l', 'no/such/layer'], 'ERR_LAYER_NOT_FOUND'],
    [['-m', 'grad-kam'], 'ERR_METHOD_UNKNOWN'],
    [['--param', 'gamma=1'], 'ERR_OPTION_INVALID'],
    [['-m', 'kpca-cam', '--param', 'gamma=wide'], 'ERR_OPTION_INVALID'],
    [['--provider', 'abacus'], 'ERR_'],
    [['--labels', 'nowhere.txt'], 'ERR_'],
    [['--preset', 'imagnet'], 'ERR_OPTION_INVALID'],
    [['--std', '0,1,1'], 'ERR_OPTION_INVALID'],
    [['-o', 'a.png/out'], 'ERR_OUTPUT'],
    [['-o', 'a.png'], 'ERR_OUTPUT'],
    [['--unknown'], 'ERR_USAGE'],
  ])('refuses %j with exit 2 before it touches a picture', async (argv, expected) => {
    const { code, stdout, stderr } = await run('explain', 'model.onnx', 'missing.png', '--json', '-o', 'out', ...argv);
    expect(stderr).toMatch(new RegExp(`^onnx-cam: ${expected}[^\\n]*\\n$`));
    expect({ code, stdout, isMade: existsSync('out') }).toEqual({ code: 2, stdout: '', isMade: false });
  });

  it('shows the value of a parameter as it was given', async () => {
    const { code, stderr } = await run('explain', 'model.onnx', 'a.png', '-m', 'dff', '--param', 'n=abc', '-o', 'out');
    expect(stderr).toContain(`parameter 'n' must be a finite number, not "abc"`);
    expect(code).toBe(2);
  });

  it('warns of a model that gives NaN, with exit 0', async () => {
    writeFileSync('nan.onnx', residualModelWithNaN());
    const { code, stderr } = await run('explain', 'nan.onnx', 'a.png', '-o', 'out');
    expect(stderr).toMatch(/onnx-cam: warning: a\.png: grad-cam: the map is not-finite: .*NaN/);
    expect(code).toBe(0);
    expect(readManifest('out').results[0].status).toBe('not-finite');
  });
});

describe('layers', () => {
  it('lists those of a model', async () => {
    const { code, stdout } = await run('layers', 'model.onnx', '--json');
    expect(code).toBe(0);
    const layers = JSON.parse(stdout);
    expect(layers.filter((layer: { chosen: boolean }) => layer.chosen)).toMatchObject([
      { name: 'r2', node: 'block/relu', operator: 'Relu' },
    ]);
  });

  it('says that a model has none', async () => {
    writeFileSync('dense.onnx', denseModel());
    const { code, stdout, stderr } = await run('layers', 'dense.onnx');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^the model has no layer that can be explained: .*\n$/);
    expect(await run('layers', 'dense.onnx', '--json')).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
  });
});

/** A classifier of the flattened picture: no layer has positions. */
function denseModel(): Buffer {
  return Buffer.from(
    buildModel({
      nodes: [makeNode('Flatten', ['x'], ['f']), makeNode('Gemm', ['f', 'w', 'b'], ['y'], { transB: 1 })],
      inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
      outputs: [{ name: 'y', dims: ['N', 5] }],
      initializers: { w: noise([5, 768], 1, 0.1), b: noise([5], 2) },
    }),
  );
}

/** One convolution of stride 2 over volumes of two channels. */
function volumeModel(): Uint8Array {
  return buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1, 1, 1], strides: [2, 2, 2] }),
      makeNode('Relu', ['c'], ['r']),
      makeNode('GlobalAveragePool', ['r'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'v'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 2, 4, 6, 5] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { w: noise([4, 2, 3, 3, 3], 1, 0.5), v: noise([5, 4], 2) },
  });
}

function residualModelWithNaN(): Uint8Array {
  return buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
      makeNode('Relu', ['c'], ['r']),
      makeNode('GlobalAveragePool', ['r'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'v', 'b'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: {
      w: noise([4, 3, 3, 3], 1, 0.5),
      v: { dims: [5, 4], data: new Float32Array(20).fill(Number.NaN) },
      b: noise([5], 2),
    },
  });
}
