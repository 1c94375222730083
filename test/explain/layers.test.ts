import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import type { LayerOption } from '../../lib/options.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { buildModel, int64, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
let cam: Explainer;
beforeAll(async () => {
  cam = await load(plainModel());
});
afterAll(() => cam.dispose());
const image = noiseImage([1, 3, 16, 16]);
const layerOf = async (layer: LayerOption) => {
  const found = one(await cam.explain(image, { layer })).layer;
  return Array.isArray(found) ? found.map(({ name }) => name) : (found as { name: string }).name;
};

describe('layer', () => {
  it('is an exact tensor or node name, a number from the end, auto or stages', async () => {
    expect(await layerOf('r1')).toBe('r1');
    expect(await layerOf('relu1')).toBe('r1');
    expect(await layerOf('conv2')).toBe('c2');
    expect(await layerOf('auto')).toBe('r2');
    expect(await layerOf('stages')).toEqual(['r1', 'r2']);
    expect(await layerOf(['conv1', -1])).toEqual(['c1', 'r2']);
    const listed = cam.layers().map(({ name }) => name);
    for (let i = 1; i <= listed.length; i++) expect(await layerOf(-i)).toBe(listed.at(-i));
  });

  it('names a layer given twice once', async () => {
    expect(await layerOf(['r1', 'relu1'])).toBe('r1');
  });

  it('says what was chosen and why, and so does layers()', async () => {
    const { layer } = one(await cam.explain(image));
    expect(layer).toEqual({ name: 'r2', shape: [8, 4, 4], reason: expect.stringMatching(/last spatial/) });
    const chosen = cam.layers().filter(entry => entry.chosen);
    expect(chosen).toEqual([
      {
        name: 'r2',
        node: 'relu2',
        operator: 'Relu',
        shape: [-1, 8, 4, 4],
        chosen: true,
        reason: expect.stringMatching(/last spatial/),
      },
    ]);
    expect(cam.layers().map(({ name }) => name)).toEqual(['c1', 'r1', 'c2', 'r2']);
  });

  it('refuses unknown names with near ones, and tensors without positions', async () => {
    await expectError(() => cam.explain(image, { layer: 'relu3' }), 'ERR_LAYER_NOT_FOUND', 'relu3', 'relu2');
    await expectError(() => cam.explain(image, { layer: 'head' }), 'ERR_LAYER_NOT_FOUND', '[N,C,h,w]');
    await expectError(() => cam.explain(image, { layer: 'f' }), 'ERR_LAYER_NOT_FOUND', '8');
    await expectError(() => cam.explain(image, { layer: -5 }), 'ERR_LAYER_NOT_FOUND', '4');
    await expectError(() => cam.explain(image, { layer: ['r1', 'nope'] }), 'ERR_LAYER_NOT_FOUND', 'nope');
    for (const layer of [0, 2, 1.5, Number.NaN, ''])
      await expectError(() => cam.explain(image, { layer }), 'ERR_LAYER_NOT_FOUND');
    for (const layer of [[], {}, [null]] as unknown as LayerOption[])
      await expectError(() => cam.explain(image, { layer }), 'ERR_OPTION_INVALID');
  });

  it('has a default in load', async () => {
    const other = await load(plainModel(), { layer: 'r1' });
    try {
      expect(one(await other.explain(image)).layer).toMatchObject({ name: 'r1' });
      expect(one(await other.explain(image, { layer: 'auto' })).layer).toMatchObject({ name: 'r2' });
    } finally {
      await other.dispose();
    }
  });
});

describe('a reshaped layer', () => {
  it('whose channels are gone is no layer', async () => {
    const spec = plainSpec();
    const model = buildModel({
      ...spec,
      nodes: [
        ...spec.nodes.slice(0, 4),
        makeNode('ReduceMean', ['r2'], ['one'], { axes: [1], keepdims: 1 }),
        makeNode('Reshape', ['one', 'shape'], ['f']),
        makeNode('Gemm', ['f', 'wl'], ['y'], { transB: 1 }),
      ],
      initializers: { w1: spec.initializers.w1, w2: spec.initializers.w2, wl: noise([5, 16], 5), shape: int64(-1, 16) },
    });
    const reshaped = await open(model);
    expect(one(await reshaped.explain(image)).layer).toMatchObject({ name: 'r2' });
    await expectError(() => reshaped.explain(image, { layer: 'one' }), 'ERR_LAYER_NOT_FOUND', '1,4,4');
  });
});

describe('tokens whose places could not be followed', () => {
  it('are laid out as a square, and results say so', async () => {
    // Picked one by one, as networks that drop or sort tokens do.
    const order = [4, 8, 1, 0, 2, 3, 5, 6, 7];
    const model = buildModel({
      inputs: [{ name: 'x', dims: [1, 3, 6, 6] }],
      nodes: [
        makeNode('Conv', ['x', 'w'], ['c'], { kernel_shape: [2, 2], strides: [2, 2] }),
        makeNode('Reshape', ['c', 'flat'], ['f']),
        makeNode('Transpose', ['f'], ['t'], { perm: [0, 2, 1] }),
        makeNode('GatherElements', ['t', 'order'], ['all'], { axis: 1 }),
        makeNode('Add', ['all', 'bias'], ['r']),
        makeNode('ReduceMean', ['r'], ['mean'], { axes: [1], keepdims: 0 }),
        makeNode('Gemm', ['mean', 'v'], ['y'], { transB: 1 }),
      ],
      initializers: {
        w: noise([8, 3, 2, 2], 1),
        v: noise([5, 8], 2),
        bias: noise([8], 3),
        flat: int64(0, 8, 9),
        order: { dims: [1, 9, 8], data: BigInt64Array.from(order.flatMap(i => new Array<bigint>(8).fill(BigInt(i)))) },
      },
      outputs: [{ name: 'y', dims: [1, 5] }],
    });
    const sorted = await open(model);
    const picture = noiseImage([1, 3, 6, 6]);
    const guessed = one(await sorted.explain(picture, { layer: 'r' }));
    expect(guessed.warnings.join()).toMatch(/the 9 tokens of "r" could not be followed.*3×3.*tokens/);
    const told = await open(model, { tokens: { grid: [3, 3], prefix: 0 } });
    expect(one(await told.explain(picture, { layer: 'r' })).warnings.join()).not.toContain('could not be followed');
    expect(one(await sorted.explain(picture)).warnings.join()).toContain('could not be followed');
  });
});

it('layers behind a GridSample say that their places are not those of the picture', async () => {
  const grid = Float32Array.from({ length: 3 * 3 * 2 }, (_, i) => Math.sin(i));
  const cam = await open(
    buildModel({
      inputs: [{ name: 'x', dims: ['N', 3, 6, 6] }],
      nodes: [
        makeNode('Conv', ['x', 'w'], ['c'], { kernel_shape: [2, 2], strides: [2, 2] }),
        makeNode('Shape', ['c'], ['n'], { end: 1 }),
        makeNode('Concat', ['n', 'rest'], ['size'], { axis: 0 }),
        makeNode('Expand', ['grid', 'size'], ['grids']),
        makeNode('GridSample', ['c', 'grids'], ['s']),
        makeNode('Relu', ['s'], ['r']),
        makeNode('GlobalAveragePool', ['r'], ['p']),
        makeNode('Flatten', ['p'], ['f']),
        makeNode('Gemm', ['f', 'v'], ['y'], { transB: 1 }),
      ],
      initializers: {
        w: noise([8, 3, 2, 2], 1),
        v: noise([5, 8], 2),
        rest: int64(3, 3, 2),
        grid: { dims: [1, 3, 3, 2], data: grid },
      },
      outputs: [{ name: 'y', dims: ['N', 5] }],
    }),
  );
  const picture = noiseImage([1, 3, 6, 6]);
  const behind = one(await cam.explain(picture));
  expect(behind.layer).toMatchObject({ name: 'r' });
  expect(behind.warnings.join()).toMatch(/"r" is made of values that a GridSample reads at other places/);
  expect(one(await cam.explain(picture, { layer: 'c' })).warnings.join()).not.toContain('GridSample');
});
