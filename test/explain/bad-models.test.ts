import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType, AttributeProtoSchema } from 'onnx-buf';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ErrorCode, OnnxCamError } from '../../lib/common/errors.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { METHODS } from '../../lib/methods/registry.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import type { LoadOptions } from '../../lib/options.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, one, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { buildGraph, buildModel, noise } from '../helpers/model-builder.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-models-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Path of a file with this content. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const image = noiseImage([1, 3, 16, 16]);

/** Closes what could be loaded. */
async function using<T>(cam: Explainer, task: (cam: Explainer) => Promise<T>): Promise<T> {
  try {
    return await task(cam);
  } finally {
    await cam.dispose();
  }
}

describe('files that are no models', () => {
  it('are refused with what they are', async () => {
    await expectError(() => load(join(folder, 'missing.onnx')), 'ERR_MODEL_NOT_FOUND', 'missing.onnx');
    await expectError(() => load(folder), 'ERR_MODEL_INVALID', 'folder');
    await expectError(() => load(file('empty.onnx', '')), 'ERR_MODEL_INVALID', 'empty');
    await expectError(() => load(new Uint8Array()), 'ERR_MODEL_INVALID', 'empty');
    await expectError(() => load(file('text.onnx', 'this is a text\n'.repeat(50))), 'ERR_MODEL_INVALID');
    await expectError(() => load(file('page.onnx', '<!DOCTYPE html><html></html>')), 'ERR_MODEL_INVALID');
    await expectError(() => load(Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0])), 'ERR_MODEL_INVALID');
    await expectError(() => load('https://example.org/model.onnx'), 'ERR_MODEL_NOT_FOUND', 'https:');
    await expectError(() => load(new URL('https://example.org/model.onnx')), 'ERR_MODEL_NOT_FOUND', 'https:');
  });

  it('of the wrong type are refused', async () => {
    for (const source of [undefined, null, 42, {}, [], new Float32Array(4)])
      await expectError(() => load(source as never), 'ERR_MODEL_INVALID', 'path', 'Uint8Array');
    await expectError(() => load(plainModel(), null as never), 'ERR_OPTION_INVALID');
  });

  it('cut off anywhere are refused', async () => {
    const whole = plainModel();
    for (const part of [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999])
      await expectError(() => load(whole.subarray(0, Math.floor(whole.length * part))), 'ERR_MODEL_INVALID');
  });

  it('with a flipped bit are refused or explained, but never crash', async () => {
    const whole = plainModel();
    const allowed: ErrorCode[] = [
      'ERR_MODEL_INVALID',
      'ERR_MODEL_UNSUPPORTED',
      'ERR_RUNTIME',
      'ERR_EXTERNAL_DATA',
      'ERR_INPUT_SHAPE',
      'ERR_NO_SPATIAL_LAYER',
      'ERR_NO_GRADIENT',
      'ERR_OUT_OF_MEMORY',
    ];
    let refused = 0;
    for (let i = 0; i < 48; i++) {
      const damaged = Uint8Array.from(whole);
      // Half of them among the names and sizes at the start, where it hurts.
      const at = i % 2 ? (i * 7919) % whole.length : (i * 37) % 700;
      damaged[at]! ^= 1 << (i % 8);
      try {
        await using(await load(damaged), cam => cam.explain(image));
      } catch (error) {
        expect(error, `bit ${i % 8} of byte ${at}: ${(error as Error).stack}`).toBeInstanceOf(OnnxCamError);
        expect(allowed).toContain((error as OnnxCamError).code);
        expect((error as Error).message.length).toBeGreaterThan(10);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(5);
  });
});

describe('models that cannot be explained', () => {
  const withNode = (op: string, domain = '') => {
    const spec = plainSpec();
    return buildModel({
      ...spec,
      nodes: [
        ...spec.nodes.slice(0, 2),
        { ...makeNode(op, ['r1'], ['odd'], {}, { name: 'odd/node' }), domain },
        ...spec.nodes.slice(2).map((node, i) => (i === 0 ? { ...node, inputs: ['odd', 'w2'] } : node)),
      ],
      opset: domain ? { '': 17, [domain]: 1 } : 17,
    });
  };

  it('unknown operators are named', async () => {
    await expectError(() => load(withNode('Frobnicate')), 'ERR_MODEL_UNSUPPORTED', 'Frobnicate');
    await expectError(() => load(withNode('Thing', 'com.example')), 'ERR_MODEL_UNSUPPORTED', 'Thing');
  });

  it('no spatial layer: it can predict, but not explain', async () => {
    const model = buildModel({
      nodes: [
        makeNode('Flatten', ['x'], ['f']),
        makeNode('Gemm', ['f', 'w'], ['h']),
        makeNode('Relu', ['h'], ['r']),
        makeNode('Gemm', ['r', 'v'], ['y']),
      ],
      inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
      outputs: [{ name: 'y', dims: ['N', 5] }],
      initializers: { w: noise([768, 8], 1, 0.1), v: noise([8, 5], 2) },
    });
    await using(await load(model), async cam => {
      expect(cam.layers()).toEqual([]);
      expect(await cam.predict(image)).toHaveLength(5);
      await expectError(() => cam.explain(image), 'ERR_NO_SPATIAL_LAYER', '[N,C,h,w]');
      await expectError(() => cam.explain(image, { layer: 'stages' }), 'ERR_NO_SPATIAL_LAYER');
      await expectError(() => cam.explain(image, { method: 'eigen-cam', layer: -1 }), 'ERR_LAYER_NOT_FOUND');
    });
  });

  it('inputs that are no pictures', async () => {
    const texts = buildModel({
      nodes: [makeNode('Identity', ['x'], ['y'])],
      inputs: [{ name: 'x', type: 'string', dims: ['N'] }],
      outputs: [{ name: 'y', type: 'string', dims: ['N'] }],
    });
    await expectError(() => load(texts), 'ERR_MODEL_UNSUPPORTED', '"x"', 'image');
    const rows = buildModel({
      nodes: [makeNode('Gemm', ['x', 'w'], ['y'])],
      inputs: [{ name: 'x', dims: ['N', 7] }],
      outputs: [{ name: 'y', dims: ['N', 5] }],
      initializers: { w: noise([7, 5]) },
    });
    await expectError(() => load(rows), 'ERR_MODEL_UNSUPPORTED', '[N,C,H,W]');
  });

  it('outputs that are no class scores', async () => {
    const spec = plainSpec();
    const integers = buildModel({
      ...spec,
      nodes: [...spec.nodes, makeNode('Cast', ['y'], ['rounded'], { to: 7 })],
      outputs: [{ name: 'rounded', type: 'int64', dims: ['N', 5] }],
    });
    await expectError(() => load(integers), 'ERR_MODEL_UNSUPPORTED', 'rounded');
    const best = buildModel({
      ...spec,
      nodes: [...spec.nodes, makeNode('ArgMax', ['y'], ['best'], { axis: 1, keepdims: 0 })],
      outputs: [{ name: 'best', type: 'int64', dims: ['N'] }],
    });
    // The best class alone says nothing of the scores, but they are right behind it.
    await using(await load(best), async cam => expect((await cam.explain(image)).status).toBe('ok'));
    const dense = buildModel({
      nodes: [makeNode('Conv', ['x', 'w'], ['c']), makeNode('Relu', ['c'], ['r']), makeNode('Conv', ['r', 'v'], ['y'])],
      inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
      outputs: [{ name: 'y', dims: ['N', 5, 16, 16] }],
      initializers: { w: noise([4, 3, 1, 1]), v: noise([5, 4, 1, 1]) },
    });
    await using(await load(dense), async cam => {
      await expectError(() => cam.explain(image), 'ERR_MODEL_UNSUPPORTED', '"y"', 'positions');
      await expectError(() => cam.predict(image), 'ERR_MODEL_UNSUPPORTED', '"y"', 'positions');
    });
  });

  it('an operator without a gradient is named, with its node and what works without', async () => {
    // A branch that the picture decides, and that cannot be computed for every picture: it has as many places as there are non-zeros.
    const spec = plainSpec();
    const branch = (op: string) => {
      const places = makeNode('NonZero', ['r2'], ['places']);
      const nodes = [places, makeNode(op, ['r2'], ['inside'], { axes: [2, 3], keepdims: 0 })];
      const g = buildGraph({ nodes, inputs: [], outputs: [{ name: 'inside' }] });
      return create(AttributeProtoSchema, { type: AttributeProto_AttributeType.GRAPH, g });
    };
    const model = buildModel({
      ...spec,
      nodes: [
        ...spec.nodes.slice(0, 4),
        makeNode('ReduceMax', ['r2'], ['most'], { keepdims: 0 }),
        makeNode('Greater', ['most', 'limit'], ['bright']),
        makeNode(
          'If',
          ['bright'],
          ['d'],
          { then_branch: branch('ReduceMean'), else_branch: branch('ReduceMax') },
          { name: 'tail/if' },
        ),
        makeNode('Gemm', ['d', 'wd'], ['y'], { transB: 1 }, { name: 'head' }),
      ],
      initializers: {
        w1: spec.initializers.w1,
        w2: spec.initializers.w2,
        wd: noise([5, 8], 9),
        limit: { dims: [], data: [0.5] },
      },
    });
    await using(await load(model), async cam => {
      for (const method of ['grad-cam', 'layer-cam']) {
        const { message } = await expectError(
          () => cam.explain(image, { method }),
          'ERR_NO_GRADIENT',
          'If',
          'tail/if',
          'eigen-cam',
          'fem',
          'score-cam',
        );
        for (const { name, needs } of METHODS)
          if (needs.gradients) expect(message.split(': ').at(-1)!.split(', ')).not.toContain(name);
      }
      const works = flat(
        await cam.explain(image, {
          methods: ['eigen-cam', 'fem', 'activation-mean', 'score-cam', 'ablation-cam', 'recipro-cam'],
        }),
      );
      for (const { method, status } of works) expect([method, status]).not.toEqual([method, 'not-finite']);
      const refused = cam.unsupported(['grad-cam', 'eigen-cam', 'cam']);
      expect([...refused].map(([name, { code }]) => [name, code])).toEqual([
        ['grad-cam', 'ERR_NO_GRADIENT'],
        ['cam', 'ERR_METHOD_UNSUPPORTED'],
      ]);
    });
  });

  it('CAM says what it needs where the head is not linear', async () => {
    const spec = plainSpec();
    const model = buildModel({
      ...spec,
      nodes: [
        ...spec.nodes.slice(0, 4),
        makeNode('Flatten', ['r2'], ['f']),
        makeNode('Gemm', ['f', 'wl', 'bf'], ['y'], { transB: 1 }),
      ],
      initializers: { ...spec.initializers, wl: noise([5, 128], 5) },
    });
    await using(await load(model), async cam => {
      await expectError(
        () => cam.explain(image, { method: 'cam' }),
        'ERR_METHOD_UNSUPPORTED',
        'global average pooling',
        'Grad-CAM',
      );
      expect(one(await cam.explain(image)).raw.dims).toEqual([4, 4]);
    });
  });
});

describe('bad options of load', () => {
  it('are refused with what was expected', async () => {
    const fails = (options: object, ...says: string[]) =>
      expectError(() => load(plainModel(), options), 'ERR_OPTION_INVALID', ...says);
    await fails({ preproces: 'unit' }, "'preproces'", 'preprocess');
    await fails({ precision: 'int8' }, 'precision', 'fp16');
    await fails({ preprocess: 'imagnet' }, 'imagenet');
    await fails({ preprocess: { mean: 'x' } });
    await fails({ preprocess: { sizes: [1, 2] } }, 'size');
    await fails({ preprocess: { size: [0, 10] } });
    await fails({ preprocess: { size: [32, 32] } }, '16');
    await fails({ intraOpNumThreads: -1 }, 'intraOpNumThreads');
    await fails({ graphOptimizationLevel: 'most' }, 'graphOptimizationLevel');
    await fails({ labels: 7 }, 'labels');
    await fails({ labels: ['a', 7] }, 'labels');
    await fails({ labels: join(folder, 'none.txt') }, 'none.txt');
    await fails({ input: 'images' }, '"images"', '"x"');
    await fails({ inputs: { x: [1, 2] } }, '`inputs`', 'dims');
    await expectError(() => load(plainModel(), { executionProviders: ['warp'] }), 'ERR_PROVIDER_UNAVAILABLE', 'warp');
  });

  it('a bad file beside the model is named', async () => {
    const path = file('side.onnx', plainModel());
    file('side.onnx.json', '{ not json');
    await expectError(() => load(path), 'ERR_OPTION_INVALID', 'side.onnx.json');
    file('side.onnx.json', JSON.stringify({ labels: ['a', 'b', 'c', 'd', 'e'], layer: 'r1', preprocess: 'unit' }));
    await using(await load(pathToFileURL(path)), async cam => {
      const result = one(await cam.explain(image));
      expect(result.layer).toMatchObject({ name: 'r1' });
      expect('abcde').toContain(result.target.label);
      expect(one(await cam.explain(image, { layer: 'auto' })).layer).toMatchObject({ name: 'r2' });
    });
    await using(await load(path, { labels: ['1', '2', '3', '4', '5'], layer: 'r2' }), async cam => {
      const result = one(await cam.explain(image));
      expect(result.layer).toMatchObject({ name: 'r2' });
      expect('12345').toContain(result.target.label);
    });
  });
});

describe('a labels file', () => {
  const labelOf = async (path: string, options?: LoadOptions) =>
    using(await load(path, options), async cam => one(await cam.explain(image)).target.label);
  const list = (name: string) => Array.from({ length: 5 }, () => `${name}\n`).join('');
  const before = process.cwd();
  afterEach(() => process.chdir(before));

  it('named beside the model is the one in its folder, given as an option that of the working directory', async () => {
    const here = join(folder, 'here');
    mkdirSync(join(folder, 'model'));
    mkdirSync(here);
    file('model/m.onnx', plainModel());
    file('model/m.onnx.json', JSON.stringify({ labels: 'labels.txt' }));
    file('model/labels.txt', list('model’s'));
    file('here/labels.txt', list('another model’s'));
    process.chdir(here);
    expect(await labelOf('../model/m.onnx')).toBe('model’s');
    expect(await labelOf('../model/m.onnx', { labels: 'labels.txt' })).toBe('another model’s');
    rmSync(join(folder, 'model/labels.txt'));
    await expectError(() => load('../model/m.onnx'), 'ERR_OPTION_INVALID', join('model', 'labels.txt'));
    file('model/m.onnx.json', JSON.stringify({ labels: join(here, 'labels.txt') }));
    await expectError(() => load('../model/m.onnx'), 'ERR_OPTION_INVALID', "inside the model's own folder");
  });
});
