/** Metrics through the door, on the fixture M2 as an ONNX file: alone or together, in batches of any size, the values are the same. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Explainer, load, type MetricConvention } from '../../lib/index.ts';
import type { MetricSpec } from '../../lib/metrics/choose.ts';
import { METRICS } from '../../lib/metrics/registry.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { M2_INPUT, M2_MAP, measureFixture } from '../helpers/fixture-network.ts';

const NAMES = METRICS.filter(({ needs }) => needs.scores).map(({ name }) => name);
const CONVENTIONS: readonly MetricConvention[] = ['paper', 'torchcam', 'pytorch-grad-cam', 'quantus', 'openvino'];

/** Removals of the same pixels tie, but for rounding. */
const RANKED = new Set(['mu-fidelity']);

let cam: Explainer;
beforeAll(async () => {
  cam = await load(new URL('../golden/f0/m2.onnx', import.meta.url));
});
afterAll(() => cam.dispose());

const input = { type: 'float32', dims: [1, 1, 4, 4], data: M2_INPUT } as const;
const map = { data: M2_MAP, width: 4, height: 4 };
const asked = { target: 0, method: 'grad-cam' } as const;

function measured(
  metrics: readonly MetricSpec[],
  convention: MetricConvention,
  { data = M2_MAP, batchSize }: { readonly data?: Float32Array; readonly batchSize?: number } = {},
) {
  return cam.measure(input, { ...asked, map: { ...map, data }, metrics, convention, batchSize });
}

test.each(CONVENTIONS)('%s: as in plain JavaScript, alone and in batches of 1, 3 and 64', async convention => {
  const together = await measured(NAMES, convention);
  expect(Object.keys(together)).toEqual(NAMES);
  for (const batchSize of [1, 3, 64])
    for (const name of NAMES) {
      const alone = (await measured([name], convention, { batchSize }))[name]!;
      const { value, ...rest } = together[name]!;
      expect({ ...alone, value: null, curve: null, details: null }).toEqual({
        ...rest,
        value: null,
        curve: null,
        details: null,
      });
      if (value === null) expect(alone.value).toBeNull();
      else expectClose([alone.value!], [value], 1e-6);
    }
  for (const name of NAMES) {
    const { value } = await measureFixture(name, { convention, explain: secondMapOf(convention) });
    if (value === null) expect(together[name]!.value).toBeNull();
    else expectClose([together[name]!.value!], [value], RANKED.has(name) ? 1e-3 : 1e-5);
  }
});

/** The method's own map under the convention, as the door makes it. */
const secondMapOf =
  (convention: MetricConvention) =>
  async ({ input: data = M2_INPUT }: { input?: Float32Array }): Promise<Float32Array> => {
    const own = convention === 'torchcam' || convention === 'pytorch-grad-cam' ? convention : 'paper';
    const explained = await cam.explain({ ...input, data }, { ...asked, convention: own, mapSize: 'input' });
    return explained.map.data;
  };

test.each([
  ['zeros', new Float32Array(16)],
  ['ones', new Float32Array(16).fill(1)],
  ['a constant', new Float32Array(16).fill(0.25)],
])('a map of %s has values or reasons, and its status', async (_, data) => {
  for (const convention of CONVENTIONS) {
    const results = await measured(NAMES, convention, { data });
    for (const { value, reason, status } of Object.values(results)) {
      expect(status).toBe(data[0] === 0 ? 'zero' : 'constant');
      if (value === null) expect(reason).toMatch(/\w/);
      else expect(Number.isFinite(value)).toBe(true);
    }
  }
});

test('a map with NaN has no value, and no run', async () => {
  const data = M2_MAP.slice();
  data[3] = Number.NaN;
  for (const { value, reason, runs } of Object.values(await measured(NAMES, 'paper', { data })))
    expect([value, reason, runs]).toEqual([null, expect.stringContaining('NaN'), 0]);
});

test('parameters out of their range, or of another metric, are refused', async () => {
  for (const [metric, params] of [
    ['deletion', { step: 0 }],
    ['deletion', { steps: 1.5 }],
    ['insertion', { baseline: 'noise' }],
    ['aopc', { patch: -1 }],
    ['road', { percentiles: [120] }],
    ['road', { noise: -1 }],
    ['saco', { groups: 1 }],
    ['infidelity', { perturbation: 'circle' }],
    ['mu-fidelity', { share: 2 }],
    ['drop', { step: 4 }],
  ] as const)
    await expect(measured([{ metric, params: params as never }], 'paper')).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
    });
});
