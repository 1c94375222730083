import { describe, expect, it } from 'vitest';
import { type ComputedMap, type ComputeMapOptions, computeMap, type MapTensors } from '../../lib/compute-map.ts';
import { METHODS } from '../../lib/methods/registry.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noise } from '../helpers/model-builder.ts';

const dims = [4, 3, 5];
const activations = { ...noise(dims, 1), data: noise(dims, 1).data.map(Math.abs) };
const gradients = noise(dims, 2);
const weights = noise([4], 3).data;
const map = async (...args: Parameters<typeof computeMap>) => (await computeMap(...args)) as ComputedMap;

describe('computeMap', () => {
  it('gives one result for [C,h,w] and N = 1, an array for N > 1', async () => {
    const single = await map('grad-cam', { activations, gradients });
    expect(single.raw).toMatchObject({ dims: [3, 5], width: 5, height: 3 });
    expect(single.map).toMatchObject({ width: 5, height: 3 });
    expect(single).toMatchObject({ status: 'ok', reason: null });
    const batchOf = (n: number, { data }: { data: Float32Array }, seed: number) => ({
      data: Float32Array.from({ length: n * 60 }, (_, i) =>
        i < 60 ? data[i]! : Math.abs(noise([60], seed + i).data[0]!),
      ),
      dims: [n, ...dims],
    });
    expect(
      await computeMap('grad-cam', { activations: batchOf(1, activations, 0), gradients: batchOf(1, gradients, 0) }),
    ).toEqual(single);
    const three = await computeMap('grad-cam', {
      activations: batchOf(3, activations, 5),
      gradients: batchOf(3, gradients, 9),
    });
    expect(three).toHaveLength(3);
    expectClose((three as ComputedMap[])[0]!.map.data, single.map.data, 1e-6);
    expect((three as ComputedMap[])[1]!.map.data).not.toEqual(single.map.data);
  });

  it('is the formula', async () => {
    const expected = new Float32Array(15);
    for (let k = 0; k < 4; k++) {
      let weight = 0;
      for (let i = 0; i < 15; i++) weight += gradients.data[k * 15 + i]! / 15;
      for (let i = 0; i < 15; i++) expected[i]! += weight * activations.data[k * 15 + i]!;
    }
    const { raw, map: heat } = await map('grad-cam', { activations, gradients });
    expectClose(raw.data, expected, 1e-6);
    const positive = expected.map(value => Math.max(value, 0));
    const [min, max] = [Math.min(...positive), Math.max(...positive)];
    expectClose(
      heat.data,
      positive.map(value => (value - min) / (max - min)),
      1e-5,
    );
    const cam = await map('cam', { activations, weights });
    expectClose(
      cam.raw.data,
      activations.data
        .slice(0, 15)
        .map((_, i) => [0, 1, 2, 3].reduce((sum, k) => sum + weights[k]! * activations.data[k * 15 + i]!, 0)),
      1e-6,
    );
  });

  it('resizes to the size asked for', async () => {
    const { map: heat, raw } = await map('grad-cam', { activations, gradients }, { size: [20, 9] });
    expect([heat.width, heat.height, heat.data.length]).toEqual([20, 9, 180]);
    expect(raw.dims).toEqual([3, 5]);
    for (const size of [[0, 1], [1.5, 2], [3], 'x'])
      await expectError(
        () => computeMap('grad-cam', { activations, gradients }, { size: size as never }),
        'ERR_OPTION_INVALID',
        'size',
      );
  });

  it('judges what it gives', async () => {
    const zero = { data: new Float32Array(60), dims };
    expect(await map('grad-cam', { activations: zero, gradients })).toMatchObject({
      status: 'zero',
      reason: expect.stringMatching(/zero/),
    });
    const nan = { data: activations.data.slice(), dims };
    nan.data[3] = Number.NaN;
    const { status, map: heat } = await map('grad-cam', { activations: nan, gradients });
    expect([status, heat.data.every(value => value === 0)]).toEqual(['not-finite', true]);
  });

  it('runs every method that needs no more than tensors', async () => {
    const tensors: MapTensors = {
      activations,
      gradients,
      attributions: gradients,
      weights,
      scores: noise([5], 4).data,
    };
    for (const { name, needs, scope } of METHODS) {
      if (needs.attention || needs.scores?.includes('block')) {
        await expectError(() => map(name, tensors), 'ERR_METHOD_UNSUPPORTED', name, 'transformer');
        continue;
      }
      if (needs.scores || needs.optimizer || needs.gradients === 'second' || needs.guided) continue;
      if (scope === 'graph') continue;
      const { map: heat, raw } = await map(name, tensors, { params: { relu: false } });
      expect(
        heat.data.every(value => value >= 0 && value <= 1),
        name,
      ).toBe(true);
      expect(raw.data.length, name).toBe(name === 'dff' ? 5 * 15 : 15);
    }
  });

  it('leaves its input alone and repeats itself', async () => {
    const before = [activations.data.slice(), gradients.data.slice()];
    const [a, b] = [
      await map('random-cam', { activations }, { seed: 3 }),
      await map('random-cam', { activations }, { seed: 3 }),
    ];
    expect(a).toEqual(b);
    await map('eigen-cam', { activations });
    await map('grad-cam++', { activations, gradients }, { params: { eigenSmooth: true } });
    expect([activations.data, gradients.data]).toEqual(before);
  });

  it('refuses what does not fit, or is missing', async () => {
    const fails = (
      code: Parameters<typeof expectError>[1],
      method: string,
      tensors: unknown,
      options: ComputeMapOptions = {},
      ...says: string[]
    ) => expectError(() => computeMap(method, tensors as MapTensors, options), code, ...says);
    await fails('ERR_METHOD_UNKNOWN', 'gradcamm', { activations }, {}, 'grad-cam');
    await fails('ERR_METHOD_UNSUPPORTED', 'grad-cam', { activations }, {}, '`gradients`');
    await fails('ERR_METHOD_UNSUPPORTED', 'cam', { activations }, {}, '`weights`');
    await fails('ERR_METHOD_UNSUPPORTED', 'lift-cam', { activations, gradients }, {}, '`attributions`');
    const few = { data: new Float32Array(8), dims: [2, 2, 2] };
    await fails('ERR_INPUT_SHAPE', 'relevance-cam', { activations, attributions: few }, {}, 'attributions');
    await fails('ERR_METHOD_UNSUPPORTED', 'score-cam', { activations }, {}, '`scores`');
    await fails('ERR_INPUT_SHAPE', 'fem', undefined, {}, '`activations`');
    await fails('ERR_INPUT_SHAPE', 'fem', null);
    await fails('ERR_INPUT_SHAPE', 'fem', {}, {}, '`activations`');
    await fails('ERR_INPUT_SHAPE', 'fem', { activations: { data: [1, 2], dims } });
    await fails('ERR_INPUT_SHAPE', 'fem', { activations: { data: activations.data, dims: [4, 3, 4] } }, {}, '60');
    await fails('ERR_INPUT_SHAPE', 'fem', { activations: { data: activations.data, dims: [60] } });
    await fails('ERR_INPUT_SHAPE', 'fem', { activations: { data: activations.data, dims: [-4, 3, -5] } });
    await fails(
      'ERR_INPUT_SHAPE',
      'grad-cam',
      { activations, gradients: { data: gradients.data, dims: [4, 5, 3] } },
      {},
      'differ',
    );
    await fails('ERR_INPUT_SHAPE', 'cam', { activations, weights: weights.slice(1) }, {}, '3 values');
    await fails('ERR_OPTION_INVALID', 'fem', { activations }, { params: { nope: 1 } }, 'nope');
    await fails('ERR_OPTION_INVALID', 'fem', { activations }, { convention: 'x' as never }, 'convention');
    await fails('ERR_OPTION_INVALID', 'fem', { activations }, { sizes: [1, 1] } as never, 'sizes');
  });
});
