/** How maps of several layers become one: values worked by hand, and what holds for all maps. */
import { describe, expect, it } from 'vitest';
import type { Maps } from '../../lib/kernels/types.ts';
import { applyMethod } from '../../lib/maps/apply-method.ts';
import { FINISH, ownFusion } from '../../lib/methods/conventions/index.ts';
import { CONVENTIONS, type Convention, FUSIONS, type Fusion } from '../../lib/methods/definition.ts';
import { gradCam } from '../../lib/methods/grad-cam.ts';
import { METHODS } from '../../lib/methods/registry.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { noise } from '../helpers/model-builder.ts';

const mapsOf = (values: readonly number[], height = 2, width = values.length / height): Maps => ({
  data: Float32Array.from(values),
  dims: [1, height, width],
});
const size = { width: 2, height: 2 };
const finished = async (convention: Convention, fusion: Fusion | undefined, layers: readonly Maps[], more = {}) => [
  ...(await FINISH[convention]({ layers, size, relu: true, fusion, ...more })).data,
];

// Stretched: [0, .25, .5, 1] and, behind the ReLU, [1, 0, 1/3, 0].
const SHALLOW = mapsOf([0, 1, 2, 4]);
const DEEP = mapsOf([3, -1, 1, 0]);
/** tanh of 0, .5, 1, 2 and 2/3. */
const TANH = [0, 0.46211716, 0.76159416, 0.96402758, 0.58278295] as const;

describe('by hand, of the same size', () => {
  const stretched = (values: readonly number[]) => {
    const [min, max] = [Math.min(...values), Math.max(...values)];
    return values.map(value => (value - min) / (max - min));
  };
  const MEAN = [0.5, 0.125, 5 / 12, 0.5];
  const MAX = [1, 0.25, 0.5, 1];
  const PRODUCT = [0, 0, 1, 0];
  const PLAIN_DEEPEST = [1, TANH[1], TANH[2], TANH[3]];
  const ALL_SCALED = [TANH[3], TANH[1], TANH[2], TANH[3]];

  it.each([
    ['paper', 'mean', MEAN],
    ['paper', 'max', MAX],
    ['paper', 'tanh-max', PLAIN_DEEPEST],
    ['paper', 'product', PRODUCT],
    ['torchcam', 'mean', MEAN],
    ['torchcam', 'max', MAX],
    ['torchcam', 'tanh-max', ALL_SCALED],
    ['torchcam', 'product', PRODUCT],
    ['pytorch-grad-cam', 'mean', stretched(MEAN)],
    ['pytorch-grad-cam', 'max', stretched(MAX)],
    ['pytorch-grad-cam', 'tanh-max', stretched(PLAIN_DEEPEST)],
    ['pytorch-grad-cam', 'product', PRODUCT],
  ] as const)('%s, %s', async (convention, fusion, expected) => {
    expectClose(await finished(convention, fusion, [SHALLOW, DEEP]), expected, 1e-6);
  });

  it("RefineCAM's example, and without the last stretch of pytorch-grad-cam", async () => {
    const layers = [mapsOf([0, 0.5, 1, 0.25]), mapsOf([0.2, 1, 0.5, 0])];
    for (const convention of CONVENTIONS)
      expectClose(await finished(convention, 'product', layers), [0, 1, 1, 0], 1e-6);
    const once = { stretchedOnce: true };
    expectClose(await finished('pytorch-grad-cam', 'mean', [SHALLOW, DEEP], once), MEAN, 1e-6);
    expectClose(await finished('pytorch-grad-cam', 'max', [SHALLOW, DEEP], once), MAX, 1e-6);
    expectClose(await finished('pytorch-grad-cam', 'product', [SHALLOW, DEEP], once), PRODUCT, 1e-6);
  });

  it('three layers', async () => {
    const third = mapsOf([1, 1, 1, 3]); // [0, 0, 0, 1]
    expectClose(await finished('paper', 'mean', [SHALLOW, third, DEEP]), [1 / 3, 1 / 12, 5 / 18, 2 / 3], 1e-6);
    const scaled = [1, TANH[1], TANH[2], TANH[3]];
    expectClose(await finished('paper', 'tanh-max', [SHALLOW, third, DEEP]), scaled, 1e-6);
    expectClose(await finished('paper', 'product', [SHALLOW, mapsOf([4, 4, 2, 0]), DEEP]), PRODUCT, 1e-6);
  });

  it('of two sizes they meet at the largest', async () => {
    // [1, 0] enlarged to four columns: [1, .75, .25, 0]; the other is [0, .25, .5, 1].
    const row = mapsOf([0, 1, 2, 4], 1);
    const coarse = mapsOf([6, 2], 1);
    const wide = { size: { width: 4, height: 1 } };
    const expected: Readonly<Record<Fusion, readonly number[]>> = {
      mean: [0.5, 0.5, 0.375, 0.5],
      max: [1, 0.75, 0.5, 1],
      'tanh-max': [1, 0.75, TANH[2], TANH[3]],
      product: [0, 1, 2 / 3, 0],
    };
    for (const [fusion, values] of Object.entries(expected))
      expectClose(await finished('paper', fusion as Fusion, [row, coarse], wide), values, 1e-6);
  });
});

describe.each(CONVENTIONS)('%s', convention => {
  const random = (seed: number, height: number, width: number): Maps => ({
    data: noise([3, height, width], seed).data.map(value => value + 0.6) as Float32Array,
    dims: [3, height, width],
  });
  const layers = [random(1, 6, 9), random(2, 4, 3), random(3, 2, 3)];
  const input = { size: { width: 12, height: 10 }, relu: true };
  const fused = async (fusion: Fusion | undefined, given: readonly Maps[] = layers) =>
    FINISH[convention]({ ...input, layers: given, fusion });

  it.each(FUSIONS)('%s stays in [0, 1]', async fusion => {
    const { data, dims } = await fused(fusion);
    expect(dims).toEqual(convention === 'pytorch-grad-cam' ? [3, 10, 12] : [3, 6, 9]);
    expect(data.every(value => value >= 0 && value <= 1)).toBe(true);
    if (fusion !== 'product' && convention !== 'pytorch-grad-cam') return;
    for (let n = 0; n < 3; n++) {
      const own = data.subarray(n * (data.length / 3), (n + 1) * (data.length / 3));
      expect(Math.min(...own)).toBe(0);
      expect(Math.max(...own)).toBeCloseTo(1, 5);
    }
  });

  it.each(FUSIONS)('%s of one layer is that layer', async fusion => {
    for (const layer of layers) expect(await fused(fusion, [layer])).toEqual(await fused(undefined, [layer]));
  });

  it.each(FUSIONS)('%s of a map with itself', async fusion => {
    const twice = await fused(fusion, [layers[0]!, layers[0]!]);
    if (fusion === 'mean' || fusion === 'max') expectClose(twice.data, (await fused('mean', [layers[0]!])).data, 1e-6);
    else expect(twice.data).not.toEqual((await fused('mean', [layers[0]!])).data);
  });

  it.each(FUSIONS)("%s does not ask for the layers' order, but for which is the deepest", async fusion => {
    const [a, b, c] = layers as [Maps, Maps, Maps];
    expectClose((await fused(fusion, [b, a, c])).data, (await fused(fusion)).data, 1e-6);
    const deepest = (await fused(fusion, [c, b, a])).data;
    const scalesAll = fusion !== 'tanh-max' || convention === 'torchcam';
    if (scalesAll) expectClose(deepest, (await fused(fusion)).data, 1e-6);
    else expect(deepest).not.toEqual((await fused(fusion)).data);
  });

  it('the maximum is no less than any map, the product before its stretch no more', async () => {
    if (convention === 'pytorch-grad-cam') return; // It stretches what it has joined.
    const same = [random(4, 5, 5), random(5, 5, 5)];
    const [first, second] = await Promise.all(same.map(async one => (await fused('mean', [one])).data));
    const [max, scaled, product] = await Promise.all(
      (['max', 'tanh-max', 'product'] as const).map(async fusion => (await fused(fusion, same)).data),
    );
    const least = first!.map((value, i) => value * second![i]!);
    for (let n = 0; n < 3; n++) {
      const own = least.subarray(n * 25, (n + 1) * 25);
      const [low, high] = [Math.min(...own), Math.max(...own)];
      expectClose(
        product!.subarray(n * 25, (n + 1) * 25),
        own.map(value => (value - low) / (high - low)),
        1e-5,
      );
    }
    for (const [i, value] of max!.entries()) {
      expect(value).toBe(Math.max(first![i]!, second![i]!));
      expect(least[i]).toBeLessThanOrEqual(Math.min(first![i]!, second![i]!));
      expect(scaled![i]).toBeGreaterThanOrEqual(Math.tanh(2 * first![i]!) - 1e-6);
    }
  });
});

describe('which it is, without being told', () => {
  it.each([
    ['paper', 'mean', 'tanh-max'],
    ['pytorch-grad-cam', 'mean', 'mean'],
    ['torchcam', 'max', 'tanh-max'],
  ] as const)('%s: %s, of LayerCAM %s', (convention, usual, ofLayerCam) => {
    const joined = METHODS.filter(({ scope }) => scope === 'layer').map(({ name, fusion }) => [
      name,
      ownFusion(convention, fusion),
    ]);
    expect(joined).toEqual(joined.map(([name]) => [name, name === 'layer-cam' ? ofLayerCam : usual]));
  });
});

describe('a product', () => {
  /** One channel with these activations and a gradient of one. */
  const layer = (values: readonly number[]) => ({
    activations: { data: Float32Array.from(values), dims: [1, 1, 2, 2] },
    gradients: { data: new Float32Array(4).fill(1), dims: [1, 1, 2, 2] },
  });
  const product = (...layers: ReturnType<typeof layer>[]) =>
    applyMethod(
      { definition: gradCam, params: { relu: true, eigenSmooth: false }, convention: 'paper', fusion: 'product' },
      layers,
      size,
      { seed: 0 },
    );

  it('of maps that have no place in common is empty, and says why', async () => {
    const { maps, verdicts } = await product(layer([1, 0, 2, 0]), layer([0, 3, 0, 4]));
    expect([...maps.data]).toEqual([0, 0, 0, 0]);
    expect(verdicts).toEqual([{ status: 'zero', reason: expect.stringMatching(/multiplied.*another `fusion`/) }]);
  });

  it('of maps that have one is not', async () => {
    const { maps, verdicts } = await product(layer([1, 0, 2, 0]), layer([0, 3, 2, 4]));
    expectClose(maps.data, [0, 0, 1, 0], 1e-6);
    expect(verdicts).toEqual([{ status: 'ok', reason: null }]);
  });

  it('with a map that is empty or not finite keeps what is known of that', async () => {
    expect((await product(layer([0, 0, 0, 0]), layer([0, 3, 2, 4]))).verdicts[0]).toMatchObject({ status: 'zero' });
    expect((await product(layer([0, 0, 0, 0]), layer([0, 0, 0, 0]))).verdicts[0]).toMatchObject({
      status: 'zero',
      reason: expect.stringMatching(/layer is zero everywhere/),
    });
    const broken = await product(layer([0, Number.NaN, 0, 0]), layer([0, 3, 2, 4]));
    expect(broken.verdicts[0]).toMatchObject({ status: 'not-finite' });
  });
});
