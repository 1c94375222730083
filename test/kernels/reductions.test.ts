import { expect, it } from 'vitest';
import {
  channelMeans,
  femMap,
  gradCamPlusPlusWeights,
  gradientProduct,
  weightedSum,
  xgradCamWeights,
} from '../../lib/kernels/index.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { expectClose, features, SHAPES } from './data.ts';
import { describeTiers } from './tiers.ts';

const FORMS = ['hirescam', 'elementwise', 'layercam'] as const;
const MODES = ['paper', 'pgc', 'torchcam'] as const;

describeTiers('reductions', use => {
  it.each(SHAPES)('are their twins on [%i, %i, %i, %i]', async (...dims) => {
    use();
    const activations = features(dims, 1);
    const gradients = features(dims, 2);
    expectClose(await channelMeans(activations), reference.channelMeans(activations), 1e-6);
    const weights = features(dims.slice(0, 2), 3).data;
    expectClose((await weightedSum(activations, weights)).data, reference.weightedSum(activations, weights).data, 1e-6);
    for (const form of FORMS) {
      const maps = await gradientProduct(activations, gradients, form);
      expect(maps.dims).toEqual([dims[0], dims[2], dims[3]]);
      expectClose(maps.data, reference.gradientProduct(activations, gradients, form).data, 1e-6);
    }
  });

  it.each(SHAPES)('weights are their twins on [%i, %i, %i, %i]', async (...dims) => {
    use();
    const activations = features(dims, 4, true);
    const gradients = features(dims, 5);
    for (const mode of MODES) {
      const weights = await gradCamPlusPlusWeights(activations, gradients, mode);
      expectClose(weights, reference.gradCamPlusPlusWeights(activations, gradients, mode), 2e-6);
    }
    for (const guard of [false, true]) {
      const weights = await xgradCamWeights(activations, gradients, 1e-6, { guard });
      expectClose(weights, reference.xgradCamWeights(activations, gradients, 1e-6, { guard }), 2e-6);
    }
    for (const k of [0, 0.5, 2]) {
      expectClose((await femMap(activations, k)).data, reference.femMap(activations, k).data, 1e-6);
    }
  });

  it.each(SHAPES)('lazy gradients stand for constant ones on [%i, %i, %i, %i]', async (n, c, h, w) => {
    use();
    const activations = features([n, c, h, w], 6, true);
    const lazy = features([n, c, 1, 1], 7);
    const full = { data: new Float32Array(n * c * h * w), dims: [n, c, h, w] };
    lazy.data.forEach((value, row) => {
      full.data.fill(value, row * h * w, (row + 1) * h * w);
    });
    for (const form of FORMS) {
      const maps = await gradientProduct(activations, lazy, form);
      expectClose(maps.data, reference.gradientProduct(activations, full, form).data, 1e-6);
    }
    for (const mode of MODES) {
      const weights = await gradCamPlusPlusWeights(activations, lazy, mode);
      expectClose(weights, reference.gradCamPlusPlusWeights(activations, full, mode), 2e-6);
    }
    expectClose(
      await xgradCamWeights(activations, lazy, 1e-7),
      reference.xgradCamWeights(activations, full, 1e-7),
      2e-6,
    );
  });

  it('one image of activations stands for a batch of gradients or weights, and the other way round', async () => {
    use();
    const one = features([1, 19, 5, 7], 8, true);
    const many = features([4, 19, 5, 7], 9);
    const repeated = { data: new Float32Array(many.data.length), dims: many.dims };
    for (let n = 0; n < 4; n++) repeated.data.set(one.data, n * one.data.length);
    for (const form of FORMS) {
      const expected = reference.gradientProduct(repeated, many, form);
      expectClose((await gradientProduct(one, many, form)).data, expected.data, 1e-6);
      const turned = await gradientProduct(many, one, form);
      expectClose(turned.data, reference.gradientProduct(many, repeated, form).data, 1e-6);
    }
    const weights = features([4, 19], 10).data;
    const maps = await weightedSum(one, weights);
    expect(maps.dims).toEqual([4, 5, 7]);
    expectClose(maps.data, reference.weightedSum(repeated, weights).data, 1e-6);
    const sums = await gradCamPlusPlusWeights(one, many, 'pgc');
    expectClose(sums, reference.gradCamPlusPlusWeights(repeated, many, 'pgc'), 2e-6);
  });

  it('keep their precision over many positions and channels', async () => {
    use();
    // Sums of a million values near 1 in plain float would be off by 1e-4 and more.
    const long = { data: new Float32Array(1 << 20), dims: [1, 1, 1024, 1024] };
    for (let i = 0; i < long.data.length; i++) long.data[i] = 1 + (i % 7) / 10;
    expectClose(await channelMeans(long), reference.channelMeans(long), 2e-7);
    const deep = { data: long.data, dims: [1, 1 << 16, 4, 4] };
    const ones = new Float32Array(1 << 16).fill(1);
    expectClose((await weightedSum(deep, ones)).data, reference.weightedSum(deep, ones).data, 2e-7);
  });

  it('work on the pool and with threads as they do at once', async () => {
    use();
    const activations = features([3, 96, 56, 56], 11);
    const gradients = features([3, 96, 56, 56], 12);
    expectClose(await channelMeans(activations), reference.channelMeans(activations), 1e-6);
    for (const form of FORMS) {
      const maps = await gradientProduct(activations, gradients, form);
      expectClose(maps.data, reference.gradientProduct(activations, gradients, form).data, 1e-6);
    }
    const weights = await gradCamPlusPlusWeights(activations, gradients, 'torchcam');
    expectClose(weights, reference.gradCamPlusPlusWeights(activations, gradients, 'torchcam'), 2e-6);
  });

  it('carry NaN and infinities on, where they belong', async () => {
    use();
    const activations = features([1, 40, 5, 5], 13, true);
    const gradients = features([1, 40, 5, 5], 14);
    activations.data[3 * 25 + 7] = Number.NaN;
    activations.data[4 * 25 + 8] = Infinity;
    gradients.data[20 * 25 + 24] = Number.NaN;
    const means = await channelMeans(activations);
    expect(means[3]).toBeNaN();
    expect(means[4]).toBe(Infinity);
    expect([...means].filter(Number.isFinite).length).toBe(38);
    for (const form of FORMS) {
      const { data } = await gradientProduct(activations, gradients, form);
      expectClose(data, reference.gradientProduct(activations, gradients, form).data, 1e-6);
      expect(data[7]).toBeNaN();
      expect(data[24]).toBeNaN();
      expect(data[0]).not.toBeNaN();
    }
    for (const mode of MODES) {
      const weights = await gradCamPlusPlusWeights(activations, gradients, mode);
      expectClose(weights, reference.gradCamPlusPlusWeights(activations, gradients, mode), 2e-6);
      expect(weights[20]).toBeNaN();
    }
    expect((await femMap(activations, 1)).data[0]).toBeNaN();
  });

  it('guard vanishing denominators', async () => {
    use();
    // Σ A is 0 in channel 0, −1e-9 in channel 1; 2 + S·G is 0 for S = −4, G = 0.5 in channel 2.
    const activations = { data: Float32Array.of(1, -1, 0, -1e-9, -3, -1), dims: [1, 3, 1, 2] };
    const gradients = { data: Float32Array.of(1, 0.5, 1, 1, 0.5, 0.5), dims: [1, 3, 1, 2] };
    const guarded = await xgradCamWeights(activations, gradients, 1e-6, { guard: true });
    expectClose(guarded, [0.5e6, 1e-3, 0.5], 1e-6);
    expect((await xgradCamWeights(activations, gradients, 1e-6))[0]).toBeCloseTo(0.5e6, -1);
    const paper = await gradCamPlusPlusWeights(activations, gradients, 'paper');
    expectClose(paper, [0.75, 1, 0], 1e-6);
    const dead = { data: new Float32Array(6), dims: [1, 3, 1, 2] };
    for (const mode of MODES) expectClose(await gradCamPlusPlusWeights(dead, dead, mode), [0, 0, 0], 0);
    expectClose(await xgradCamWeights(dead, gradients, 1e-7), [0, 0, 0], 0);
    expectClose((await femMap(dead, 2)).data, [0, 0], 0);
  });
});
