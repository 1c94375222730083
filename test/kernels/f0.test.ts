/** Fixture F0 (docs/methods.md#fixture-f0): the value of each formula to six decimals, from the libraries themselves. */
import { describe, expect, it } from 'vitest';
import {
  channelMeans,
  femMap,
  gradCamPlusPlusWeights,
  gradientProduct,
  kernelPca,
  normalize,
  principalComponent,
  resize,
  weightedSum,
  xgradCamWeights,
} from '../../lib/kernels/index.ts';

const dims = [1, 2, 2, 2];
const A = { data: Float32Array.of(2, 0, 3, 3, 1.5, 3, 0, 0), dims };
const G = { data: Float32Array.of(0.5, -0.2, 0.1, 0.4, -0.3, 0.6, 0.2, -0.1), dims };

function expectValues(actual: Float32Array, expected: readonly number[], tolerance = 1e-5) {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value), `[${i}]: ${actual[i]} for ${value}`).toBeLessThanOrEqual(tolerance);
  });
}

describe('weights and raw maps of fixture F0', () => {
  it('CAM (MG, class 0): the mean of the map is the logit', async () => {
    const { data } = await weightedSum(A, Float32Array.of(0.5, -0.4));
    expectValues(data, [0.4, -1.2, 1.5, 1.5]);
    expect(data.reduce((sum, value) => sum + value, 0) / 4).toBeCloseTo(0.55, 6);
  });

  it('Grad-CAM', async () => {
    const weights = await channelMeans(G);
    expectValues(weights, [0.2, 0.1]);
    expectValues((await weightedSum(A, weights)).data, [0.55, 0.3, 0.6, 0.6]);
  });

  it('Grad-CAM++ as pytorch-grad-cam', async () => {
    const weights = await gradCamPlusPlusWeights(A, G, 'pgc');
    expectValues(weights, [0.195969, 0.196624]);
    expectValues((await weightedSum(A, weights)).data, [0.686875, 0.589873, 0.587908, 0.587908]);
  });

  it('Grad-CAM++ as torchcam', async () => {
    const weights = await gradCamPlusPlusWeights(A, G, 'torchcam');
    expectValues(weights, [0.19, 0.224]);
    expectValues((await weightedSum(A, weights)).data, [0.716, 0.672, 0.57, 0.57]);
  });

  it("Grad-CAM++ as the paper: pytorch-grad-cam's without its epsilon", async () => {
    const pgc = await gradCamPlusPlusWeights(A, G, 'pgc');
    expectValues(await gradCamPlusPlusWeights(A, G, 'paper'), [...pgc], 2e-5);
  });

  it('HiResCAM: the map sums to the logit without its bias', async () => {
    const { data } = await gradientProduct(A, G, 'hirescam');
    expectValues(data, [0.55, 1.8, 0.3, 1.2]);
    expect(data.reduce((sum, value) => sum + value, 0)).toBeCloseTo(3.85, 6);
  });

  it('Grad-CAM element-wise', async () => {
    expectValues((await gradientProduct(A, G, 'elementwise')).data, [1, 1.8, 0.3, 1.2]);
  });

  it('XGrad-CAM, in every epsilon', async () => {
    for (const epsilon of [1e-6, 1e-7, 1e-8]) {
      const weights = await xgradCamWeights(A, G, epsilon);
      expectValues(weights, [0.3125, 0.3]);
      expectValues((await weightedSum(A, weights)).data, [1.075, 0.9, 0.9375, 0.9375]);
    }
  });

  it('LayerCAM', async () => {
    const maps = await gradientProduct(A, G, 'layercam');
    expectValues(maps.data, [1, 1.8, 0.3, 1.2]);
    expectValues((await normalize(maps, { kind: 'range' })).data, [0.466667, 1, 0, 0.6]);
  });

  it('Eigen-CAM, centred as pytorch-grad-cam (either sign there; here the largest entry is positive)', async () => {
    const { data } = await principalComponent(A, { centre: true, sign: 'none' });
    expectValues(data, [0.267228, 2.739265, -1.503247, -1.503247]);
  });

  it('Eigen-CAM, not centred, the sign of the activations', async () => {
    const { data } = await principalComponent(A, { centre: false, sign: 'activation' });
    expectValues(data, [2.313255, 0.755388, 2.903341, 2.903341]);
  });

  it('Eigen-Grad-CAM, up to its sign', async () => {
    const { data } = await principalComponent(A, { centre: true, gradients: G, sign: 'largest' });
    expectValues(data, [-0.872187, 1.588447, -0.160756, -0.555504]);
  });

  it('Seg-Eigen-CAM: of |G| ⊙ A', async () => {
    const gradients = { data: G.data.map(Math.abs), dims };
    const { data } = await principalComponent(A, { centre: true, gradients, sign: 'largest' });
    expectValues(data, [-0.279464, 1.385486, -0.335903, -0.770119]);
  });

  it('KPCA-CAM, sigmoid kernel with gamma = 1 / channels', async () => {
    const { data } = await kernelPca(A, { kernel: 'sigmoid' });
    expectValues(data, [0.264704, 1.170677, -0.717691, -0.717691]);
  });

  it('FEM with k = 0.5, and zeros with k = 2', async () => {
    expectValues((await femMap(A, 0.5)).data, [1.375, 0.75, 1.5, 1.5]);
    expectValues((await femMap(A, 2)).data, [0, 0, 0, 0], 0);
  });
});

describe('normalisation and resizing of fixture F0', () => {
  const maps = { data: Float32Array.of(0.55, 0.3, 0.6, 0.6), dims: [1, 2, 2] as const };

  it("Grad-CAM's map in torchcam's convention", async () => {
    expectValues((await normalize(maps, { kind: 'torchcam' })).data, [0.833333, 0, 1, 1]);
  });

  it("Grad-CAM's map in pytorch-grad-cam's convention", async () => {
    const sized = await resize(await normalize(maps, { kind: 'pgc' }), {
      width: 4,
      height: 4,
      interpolation: 'bilinear',
    });
    const rows = [
      [0.833333, 0.625, 0.208333, 0],
      [0.875, 0.71875, 0.40625, 0.25],
      [0.958333, 0.90625, 0.802083, 0.75],
      [1, 1, 1, 1],
    ];
    expectValues((await normalize(sized, { kind: 'pgc' })).data, rows.flat());
  });

  it('bilinear of [[0, 1], [2, 3]], both conventions', async () => {
    const source = { data: Float32Array.of(0, 1, 2, 3), dims: [1, 2, 2] as const };
    const half = await resize(source, { width: 4, height: 4, interpolation: 'bilinear' });
    expectValues(half.data, [0, 0.25, 0.75, 1, 0.5, 0.75, 1.25, 1.5, 1.5, 1.75, 2.25, 2.5, 2, 2.25, 2.75, 3]);
    const corners = await resize(source, { width: 4, height: 4, interpolation: 'align-corners' });
    expectValues(
      corners.data,
      [0, 1, 2, 3].flatMap(y => [0, 1, 2, 3].map(x => (2 * y + x) / 3)),
    );
  });
});
