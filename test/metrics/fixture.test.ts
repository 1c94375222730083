import { describe, expect, test } from 'vitest';
import { expectClose } from '../helpers/expect-close.ts';
import { type FixtureCase, gradCamOf, M2, M2_INPUT, M2_MAP, measureFixture } from '../helpers/fixture-network.ts';

/** S with its last row changed, so that no percentile meets a tie. */
const UNTIED = Float32Array.of(...M2_MAP.slice(0, 12), 1, 0.99, 0.98, 0.97);

type Row<T> = readonly [name: string, expected: T, how?: FixtureCase];

/** Values worked by hand or by the tools on the fixture M2, class 0 (docs/metrics.md). */
const VALUES: readonly Row<number>[] = [
  ['average-drop', 0.132149],
  ['average-drop', 0.132149, { convention: 'torchcam' }],
  ['average-drop', 0.116562, { convention: 'pytorch-grad-cam' }],
  ['average-drop', 1.305209, { convention: 'pytorch-grad-cam', params: { score: 'logit' } }],
  ['average-increase', 0],
  ['average-gain', 0],
  ['drop', 0.116562],
  ['half-muted-drop', 0.395666],
  ['deletion', 0.676819, { params: { step: 4 } }],
  ['deletion', 0.676801, { convention: 'torchcam' }],
  ['insertion', 0.633069, { params: { step: 4, baseline: 'zero' } }],
  ['insertion', 0.625687, { convention: 'torchcam' }],
  ['insertion', 0.638909, { params: { step: 4 } }],
  ['insertion-deletion', 0.638909 - 0.676819, { params: { steps: 4 } }],
  ['lerf-deletion', 0.633069, { params: { step: 4 } }],
  ['srg', -0.04375, { params: { step: 4 } }],
  ['aopc', 0.157558, { params: { patch: 2 } }],
  ['aopc', (-0.030775 + 0.103447 + 0.191225 + 0.523892) / 4, { convention: 'quantus', params: { patch: 2 } }],
  ['road-morf', -0.341142, { convention: 'pytorch-grad-cam', params: { percentiles: [20], noise: 0 } }],
  ['road-morf', -0.039705, { convention: 'pytorch-grad-cam', params: { percentiles: [50], noise: 0 } }],
  ['road-morf', -0.081348, { convention: 'pytorch-grad-cam', params: { noise: 0 } }],
  ['road-lerf', -0.22651, { convention: 'pytorch-grad-cam', params: { percentiles: [50], noise: 0 } }],
  ['road-lerf', -0.380626, { convention: 'pytorch-grad-cam', params: { percentiles: [80], noise: 0 } }],
  ['road-lerf', -0.523892, { convention: 'pytorch-grad-cam', params: { noise: 0 } }],
  ['road-lerf', -0.415511, { convention: 'pytorch-grad-cam', params: { noise: 0 }, map: UNTIED }],
  [
    'road-morf',
    -0.128711,
    { convention: 'pytorch-grad-cam', params: { percentiles: [20, 40, 60, 80], noise: 0 }, map: UNTIED },
  ],
  [
    'road-lerf',
    -0.328705,
    { convention: 'pytorch-grad-cam', params: { percentiles: [20, 40, 60, 80], noise: 0 }, map: UNTIED },
  ],
  [
    'road',
    -0.099997,
    { convention: 'pytorch-grad-cam', params: { percentiles: [20, 40, 60, 80], noise: 0 }, map: UNTIED },
  ],
  ['road', -0.076801, { convention: 'pytorch-grad-cam', params: { noise: 0 }, map: UNTIED }],
  ['road', -0.127071, { params: { percentiles: [20, 40, 60, 80] } }],
  ['road', -0.088834],
  ['coherency', 0.992105],
  ['coherency', 0.992105, { convention: 'pytorch-grad-cam' }],
  ['coherency', 0.992193, { convention: 'pytorch-grad-cam', map: UNTIED }],
  ['complexity', 0.708333],
  ['complexity', 0.704583, { map: UNTIED }],
  ['adcc', 0.536788],
  ['adcc', 0.536788, { convention: 'pytorch-grad-cam' }],
  ['arcc', 3e-8, { convention: 'pytorch-grad-cam', params: { noise: 0 }, map: UNTIED }],
  ['infidelity', 5.902762, { params: { patch: 2, normalize: false, score: 'logit' } }],
  ['infidelity', 8.909432, { params: { patch: 2, normalize: false } }],
  ['infidelity', 0.541079, { params: { patch: 2, score: 'logit' } }],
  ['infidelity', 0.010797, { params: { patch: 2 } }],
  ['infidelity', 6.166202, { params: { patch: 2, perturbation: 'indicator', normalize: false, score: 'logit' } }],
  ['infidelity', 9.01175, { params: { patch: 2, perturbation: 'indicator', normalize: false } }],
  ['infidelity', 0.588753, { params: { patch: 2, perturbation: 'indicator', score: 'logit' } }],
  ['infidelity', 0.011334, { params: { patch: 2, perturbation: 'indicator' } }],
  ['saco', -0.561983, { params: { groups: 4, baseline: 'zero' } }],
];

for (const [name, expected, how] of VALUES)
  test(`${name} of the fixture is ${expected} ${JSON.stringify({ ...how, map: how?.map && 'untied' })}`, async () => {
    const { value } = await measureFixture(name, how);
    expectClose([value!], [expected], 1e-5);
  });

/** Curves of the same fixture. */
const CURVES: readonly Row<readonly number[]>[] = [
  ['deletion', [0.882047, 0.746822, 0.649531, 0.690822, 0.358155], { params: { step: 4 } }],
  ['insertion', [0.358155, 0.537415, 0.665917, 0.708844, 0.882047], { params: { step: 4, baseline: 'zero' } }],
  ['insertion', [0.386092, 0.562079, 0.671066, 0.688422, 0.882047], { params: { step: 4 } }],
  ['lerf-deletion', [0.882047, 0.708844, 0.665917, 0.537415, 0.358155], { params: { steps: 4 } }],
  ['aopc', [-0.030775, 0.103447, 0.191225, 0.523892], { convention: 'quantus', params: { patch: 2 } }],
  [
    'road-morf',
    [-0.372922, -0.341142, 0.084925, -0.014077, -0.039706, -0.026283, -0.059338, 0.003693, 0.01701],
    { params: { percentiles: [10, 20, 30, 40, 50, 60, 70, 80, 90] } },
  ],
  [
    'road-lerf',
    [-0.337272, -0.415511, -0.139203, -0.301783, -0.22651, -0.21303, -0.151727, -0.464056, -0.097769],
    { params: { percentiles: [10, 20, 30, 40, 50, 60, 70, 80, 90] } },
  ],
];

for (const [name, expected, how] of CURVES)
  test(`the curve of ${name} of the fixture ${JSON.stringify(how)}`, async () => {
    const { curve } = await measureFixture(name, how);
    expectClose(curve!.y, expected, 1e-5);
  });

describe('what stands beside the value', () => {
  test('torchcam takes a step for each twentieth of the pixels, here single ones', async () => {
    const { curve, details } = await measureFixture('deletion', { convention: 'torchcam' });
    expect(curve!.x).toHaveLength(17);
    expect(details!.ties).toBe(4 / 16);
  });

  test('a percentile that keeps nothing is said', async () => {
    const how = { convention: 'pytorch-grad-cam', params: { noise: 0 } } as const;
    expect((await measureFixture('road-lerf', how)).reason).toBe('nothing kept');
    expect((await measureFixture('road', how)).reason).toBe('nothing kept');
    expect((await measureFixture('road-lerf', { ...how, map: UNTIED })).reason).toBeUndefined();
  });

  test('the second map of the fixture', () => {
    const masked = M2_INPUT.map((value, i) => value * M2_MAP[i]!);
    const second = gradCamOf(M2, masked);
    expectClose(second.subarray(0, 4), [0.640573, 0.48043, 0.160143, 0], 1e-5);
    expectClose(second.subarray(12), [1, 0.987872, 0.963616, 0.951488], 1e-5);
  });

  test('the parts of ADCC and ARCC', async () => {
    const { details } = await measureFixture('adcc');
    expectClose(
      [details!.coherency!, details!.complexity!, details!.averageDrop!],
      [0.992105, 0.708333, 0.132149],
      1e-5,
    );
    const how = { convention: 'pytorch-grad-cam', params: { noise: 0 }, map: UNTIED } as const;
    const parts = (await measureFixture('arcc', how)).details!;
    expectClose([parts.coherency!, parts.complexity!, parts.road!], [0.992193, 0.704583, -0.099997], 1e-5);
  });
});
