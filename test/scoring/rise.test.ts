/** RISE's masks: the official ones to the digit, their statistics, and the map they add up to. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load } from '../../lib/index.ts';
import { randomMasks } from '../../lib/methods/rise.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import type { GridMasks } from '../../lib/scoring/mask-request.ts';
import { nativeScoring } from '../../lib/scoring/native-scoring.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one } from '../helpers/explain-models.ts';
import { f0Model, loadF0 } from '../helpers/f0.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { classTarget, runMethod, ScoringModels } from '../helpers/scoring.ts';

interface StoredMask {
  size: [number, number];
  cells: number;
  canvas: [number, number];
  offset: [number, number];
  grid: number[];
  mask: number[];
}

const stored = JSON.parse(readFileSync(new URL('../golden/rise-masks.json', import.meta.url), 'utf8')) as StoredMask[];

const sum = (masks: GridMasks, size: readonly [number, number], weights: Float64Array) =>
  nativeScoring().sumMasks({
    maps: masks.grids.data,
    dims: masks.grids.dims,
    canvas: masks.canvas,
    size,
    grid: 2,
    offsets: masks.offsets,
    weights,
  });

it.each(stored)('the mask of scikit-image, $size from $cells cells at $offset', async one => {
  const masks = {
    grids: { data: Float32Array.from(one.grid), dims: [1, one.cells, one.cells] as const },
    canvas: one.canvas,
    offsets: Uint32Array.from(one.offset),
  };
  expectClose(await sum(masks, one.size, Float64Array.of(1)), one.mask, 1e-6);
});

describe('statistics of 2000 masks', () => {
  const size = { width: 35, height: 28 };
  let masks: GridMasks;
  beforeAll(async () => {
    masks = await randomMasks(size, { n: 2000, cells: 7, p: 0.3, seed: 5 });
  });

  it('cells are shown with probability p, shifts fill a cell evenly', () => {
    const { data } = masks.grids;
    const shown = data.reduce((total, cell) => total + cell, 0) / data.length;
    expect(Math.abs(shown - 0.3)).toBeLessThan(5 * Math.sqrt((0.3 * 0.7) / data.length));
    expect(masks.canvas).toEqual([32, 40]);
    const counts = [new Array<number>(4).fill(0), new Array<number>(5).fill(0)];
    masks.offsets.forEach((offset, i) => {
      counts[i % 2]![offset]!++;
    });
    for (const axis of counts)
      for (const count of axis)
        expect(Math.abs(count - 2000 / axis.length)).toBeLessThan(5 * Math.sqrt(2000 / axis.length));
  });

  it('every pixel shows p of the time', async () => {
    const mean = await sum(masks, [28, 35], new Float64Array(2000).fill(1 / 2000));
    for (const value of mean) expect(Math.abs(value - 0.3)).toBeLessThan(5 * Math.sqrt((0.3 * 0.7) / 2000));
  });

  it('the same seed gives the same masks, another one others', async () => {
    const again = await randomMasks(size, { n: 2000, cells: 7, p: 0.3, seed: 5 });
    expect(again).toEqual(masks);
    expect(await randomMasks(size, { n: 2000, cells: 7, p: 0.3, seed: 6 })).not.toEqual(masks);
  });
});

describe('the map', () => {
  const f0 = loadF0();
  const input = { data: Float32Array.from(f0.input.data), dims: f0.input.dims };
  let models: ScoringModels;
  beforeAll(async () => {
    models = await ScoringModels.open(f0Model('m3'), f0.layer);
  });
  afterAll(() => models.dispose());

  it('is that of the plain loop, for two targets at once', async () => {
    const targets = [classTarget(0), classTarget(1)];
    const params = { n: 50, cells: 2, p: 0.6 };
    const image = await models.image(input, targets, { batchSize: 7 });
    const native = await runMethod('rise', image, { params, seed: 3 });
    const reference = { scorer: await models.reference(input, targets), layer: image.layer };
    const plain = await runMethod('rise', reference, { params, seed: 3 });
    expect(native.raw.dims).toEqual([2, 4, 4]);
    expectClose(native.raw.data, plain.raw.data, 1e-5);
    expect(image.scorer.runs).toEqual({ network: 50, tail: 0, saved: 0 });
  });

  it('does not depend on batches and threads', async () => {
    const map = async (batchSize: number, threads: number) => {
      const image = await models.image(input, [classTarget(0)], { batchSize, threads });
      return (await runMethod('rise', image, { params: { n: 40, cells: 3 } })).raw.data;
    };
    expectClose(await map(9, 2), await map(1, 1), 1e-6);
  });
});

describe('a network without feature maps', () => {
  it('is explained all the same, by masks at its input', async () => {
    const image = noiseImage([1, 3, 16, 16]);
    const cam = await load(
      buildModel({
        nodes: [makeNode('Flatten', ['x'], ['f']), makeNode('Gemm', ['f', 'w'], ['y'], { transB: 1 })],
        inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
        outputs: [{ name: 'y', dims: ['N', 4] }],
        initializers: { w: noise([4, 768], 3) },
      }),
    );
    try {
      const result = one(await cam.explain(image, { method: 'rise', params: { n: 50 } }));
      expect(result).toMatchObject({ status: 'ok', layer: { name: 'x', shape: [3, 16, 16] } });
      await expectError(() => cam.explain(image), 'ERR_NO_SPATIAL_LAYER', 'rise');
    } finally {
      await cam.dispose();
    }
  });
});
