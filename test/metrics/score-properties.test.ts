import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { METRICS } from '../../lib/metrics/registry.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { type FixtureCase, M2, M2_INPUT, measureFixture } from '../helpers/fixture-network.ts';

/** Maps without ties whose values, halved or squared, are float32 exactly. */
const untied = fc
  .uniqueArray(fc.integer({ min: 0, max: 256 }), { minLength: 16, maxLength: 16 })
  .map(values => Float32Array.from(values, value => value / 256));
const anyMap = fc
  .array(fc.integer({ min: 0, max: 8 }), { minLength: 16, maxLength: 16 })
  .map(values => Float32Array.from(values, value => value / 8));

const RUNS = { numRuns: 60 };
const valueFor = async (name: string, how: FixtureCase) => (await measureFixture(name, how)).value!;

describe('what only orders pixels', () => {
  test.each([
    ['deletion', { step: 3 }],
    ['insertion', { steps: 5 }],
    ['insertion-deletion', { step: 4 }],
    ['lerf-deletion', { step: 5 }],
    ['srg', { step: 3 }],
    ['road-morf', { percentiles: [30, 70] }],
    ['road', { percentiles: [20, 80] }],
  ])('%s sees no difference between a map without ties and its square', async (name, params) => {
    await fc.assert(
      fc.asyncProperty(untied, async map => {
        const square = map.map(value => value * value);
        expect(await valueFor(name, { map: square, params })).toBe(await valueFor(name, { map, params }));
      }),
      RUNS,
    );
  });

  test('thresholds without ties keep as many pixels whatever the values', async () => {
    const how = { convention: 'pytorch-grad-cam', params: { noise: 0, percentiles: [20, 60] } } as const;
    await fc.assert(
      fc.asyncProperty(untied, async map => {
        const halved = map.map(value => value / 2);
        expect(await valueFor('road', { ...how, map: halved })).toBe(await valueFor('road', { ...how, map }));
      }),
      RUNS,
    );
  });
});

test('with one baseline and steps of one size, SRG is insertion minus deletion, and LeRF deletion is insertion', async () => {
  const step = fc.constantFrom(1, 2, 4, 8, 16);
  await fc.assert(
    fc.asyncProperty(anyMap, step, fc.constantFrom('zero', 'mean', 'min', 0.5), async (map, each, baseline) => {
      const how = { map, params: { step: each, baseline } };
      const [inserted, deleted] = [await valueFor('insertion', how), await valueFor('deletion', how)];
      const both = await valueFor('insertion-deletion', {
        map,
        params: { ...how.params, insertionBaseline: baseline },
      });
      expectClose(
        [await valueFor('srg', how), both, await valueFor('lerf-deletion', how)],
        [inserted - deleted, inserted - deleted, inserted],
        1e-12,
      );
    }),
    RUNS,
  );
});

test('the reversed map has the other curve', async () => {
  await fc.assert(
    fc.asyncProperty(untied, fc.integer({ min: 1, max: 20 }), async (map, step) => {
      const reversed = map.map(value => 1 - value);
      const how = { params: { step } };
      expect(await valueFor('lerf-deletion', { ...how, map })).toBe(
        await valueFor('deletion', { ...how, map: reversed }),
      );
      expectClose(
        [await valueFor('srg', { ...how, map })],
        [-(await valueFor('srg', { ...how, map: reversed }))],
        1e-12,
      );
      const road = { params: { percentiles: [25, 50, 75] } };
      expectClose(
        [await valueFor('road', { ...road, map })],
        [-(await valueFor('road', { ...road, map: reversed }))],
        1e-12,
      );
    }),
    RUNS,
  );
});

test('a network that always says the same: areas are its score, changes nothing', async () => {
  const sizes = fc.oneof(
    fc.record({ step: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ steps: fc.integer({ min: 1, max: 40 }) }),
  );
  const convention = fc.constantFrom('paper' as const, 'torchcam' as const, 'openvino' as const);
  await fc.assert(
    fc.asyncProperty(
      anyMap,
      sizes,
      convention,
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      async (map, params, how, score) => {
        const said = { map, params, convention: how, score: () => ({ probability: score, logit: score }) };
        for (const name of ['deletion', 'insertion', 'lerf-deletion'])
          expectClose([await valueFor(name, said)], [score], 1e-9);
        for (const name of ['srg', 'insertion-deletion']) expectClose([await valueFor(name, said)], [0], 1e-9);
        const { curve } = await measureFixture('deletion', said);
        expect([curve!.x[0], curve!.x.at(-1)]).toEqual([0, 1]);
        expect(curve!.x.every((x, i) => i === 0 || x > curve!.x[i - 1]!)).toBe(true);
        for (const name of ['aopc', 'road', 'infidelity'])
          expectClose([await valueFor(name, { ...said, params: {}, convention: 'paper' })], [0], 1e-9);
      },
    ),
    RUNS,
  );
});

test('a step of all pixels or more is one step; more steps than pixels are single pixels', async () => {
  const one = await measureFixture('deletion', { params: { step: 99 } });
  expect(one.curve!.x).toEqual([0, 1]);
  expectClose([one.value!], [(0.882047 + 0.358155) / 2], 1e-5);
  for (const convention of ['paper', 'openvino'] as const)
    expect((await measureFixture('deletion', { params: { steps: 99 }, convention })).curve!.x).toHaveLength(17);
});

test('AOPC removes every pixel once, block by block, whatever fits', async () => {
  const shape = { channels: 1, height: 5, width: 7, channelsLast: false };
  const network = { ...M2, shape };
  const score = (input: Float32Array) => {
    const sum = input.reduce((a, b) => a + b, 0);
    return { probability: sum, logit: sum };
  };
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom('paper' as const, 'quantus' as const),
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 35, maxLength: 35 }),
      async (patch, convention, values) => {
        const input = new Float32Array(35).fill(1);
        const how = { network, input, map: Float32Array.from(values), convention, score };
        const { curve } = await measureFixture('aopc', { ...how, params: { patch, baseline: 0 } });
        // One is lost with each removed pixel.
        expectClose(
          curve!.y,
          curve!.x.map(x => 35 * x),
          1e-9,
        );
        expect(curve!.x.at(-1)).toBe(1);
      },
    ),
    RUNS,
  );
});

test('a map whose groups lose as much as they say has a SaCo of 1, its reverse −1', async () => {
  const input = Float32Array.from({ length: 16 }, (_, i) => i + 1);
  const score = (data: Float32Array) => {
    const sum = data.reduce((a, b) => a + b, 0);
    return { probability: sum, logit: sum };
  };
  const params = { groups: 4, baseline: 'zero' };
  const map = input.map(value => value / 16);
  expect(await valueFor('saco', { input, map, score, params })).toBe(1);
  expect(await valueFor('saco', { input, map: map.map(value => 1 - value), score, params })).toBe(-1);
});

test('a map that is what the network sums foresees every change', async () => {
  const input = M2_INPUT.map(value => value - 0.75);
  const map = Float32Array.from({ length: 16 }, (_, i) => (i + 1) / 16);
  const score = (data: Float32Array) => {
    const sum = data.reduce((total, value, i) => total + 3 * value * map[i]!, 0);
    return { probability: sum, logit: sum };
  };
  for (const perturbation of ['square', 'gaussian']) {
    const how = { input, map, score, params: { perturbation, patch: 2 } };
    const { value, details } = await measureFixture('infidelity', how);
    expectClose([value!, details!.beta!], [0, 3], 1e-5);
  }
});

test('layouts: [H, W, C] and [C, H, W] of one picture have the same values', async () => {
  const shape = { channels: 2, height: 4, width: 4, channelsLast: false };
  const network = {
    ...M2,
    shape,
    kernels: [...M2.kernels.slice(0, 4), 0.5, 0, 0.2, 1, ...M2.kernels.slice(4), 1, 0, 0, -1],
  };
  const first = Float32Array.from({ length: 32 }, (_, i) => Math.sin(i));
  const last = Float32Array.from({ length: 32 }, (_, i) => first[(i % 2) * 16 + (i >> 1)]!);
  const lastNetwork = { ...network, shape: { ...shape, channelsLast: true } };
  const random = ['faithfulness-correlation'];
  for (const { name, needs } of METRICS.filter(metric => metric.needs.scores))
    for (const convention of ['paper', 'openvino'] as const) {
      if (needs.truth || random.includes(name)) continue;
      const preprocess = { mean: [0.1, 0.2], std: [0.5, 0.25] };
      const one = await valueFor(name, { network, input: first, preprocess, convention });
      const other = await valueFor(name, { network: lastNetwork, input: last, preprocess, convention });
      expect(Number.isFinite(one), name).toBe(true);
      expectClose([other], [one], 1e-6);
    }
});
