import { expect, it } from 'vitest';
import { channelStatistics, uniformChannels } from '../../lib/kernels/channel-statistics.ts';
import { colourStrength, gateGradients, maskColours } from '../../lib/kernels/feature-values.ts';
import { fullGradTerm } from '../../lib/kernels/fullgrad.ts';
import { addGradientPowers, type GradientPowers, smoothWeights } from '../../lib/kernels/gradient-powers.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { expectClose, features, SHAPES } from './data.ts';

it.each(SHAPES)('statistics of channels are their twins on [%i, %i, %i, %i]', async (...dims) => {
  const values = features(dims, 1);
  for (const statistic of ['deviation', 'mean', 'maximum', 'minimum'] as const)
    expectClose(await channelStatistics(values, statistic), reference.channelStatistics(values, statistic), 1e-9);
});

it('NaN makes a channel’s deviation, mean and minimum NaN; the maximum passes over it', async () => {
  const values = { data: Float32Array.of(1, Number.NaN, 3, 4, 5, 9), dims: [1, 2, 1, 3] };
  expect(await channelStatistics(values, 'maximum')).toEqual(Float64Array.of(3, 9));
  for (const statistic of ['deviation', 'mean', 'minimum'] as const)
    expect(Number.isNaN((await channelStatistics(values, statistic))[0]), statistic).toBe(true);
  const offset = { data: Float32Array.of(1e7, 1e7 + 1, 1e7 + 2), dims: [1, 1, 1, 3] };
  expect((await channelStatistics(offset, 'deviation'))[0]).toBeCloseTo(Math.sqrt(2 / 3), 9);
});

it('channels that hold one value', async () => {
  const values = { data: Float32Array.of(2, 2, 2, 0, 0, 1, 5, 5, 5), dims: [1, 3, 1, 3] };
  const [select, held] = [Uint32Array.of(0, 1, 2, 2), Float32Array.of(2, 0, 4, 5)];
  expect(await uniformChannels(values, select, held)).toEqual(Uint8Array.of(1, 0, 0, 1));
  expect(reference.uniformChannels(values, select, held)).toEqual(Uint8Array.of(1, 0, 0, 1));
});

it.each(SHAPES)('FullGrad’s terms are their twins on [%i, %i, %i, %i]', async (n, c, h, w) => {
  const activations = features([n, c, h, w], 2);
  const bias = features([1, c, 1, 1], 3).data;
  for (const gradients of [features([n, c, h, w], 4), features([n, c, 1, 1], 5)])
    for (const perChannel of [false, true])
      for (const own of [undefined, bias]) {
        const options = { perChannel, epsilon: 1e-6 };
        const term = await fullGradTerm(activations, gradients, own, options);
        const expected = reference.fullGradTerm(activations, gradients, own, options);
        expect(term.dims).toEqual(expected.dims);
        expectClose(term.data, expected.data, 1e-6);
      }
});

it('a FullGrad term: one image for several targets, NaN in one of them', async () => {
  const activations = features([1, 3, 5, 7], 6);
  const gradients = features([2, 3, 5, 7], 7);
  gradients.data[4] = Number.NaN;
  const options = { perChannel: false, epsilon: 1e-6 };
  const { data } = await fullGradTerm(activations, gradients, undefined, options);
  expectClose(data, reference.fullGradTerm(activations, gradients, undefined, options).data, 1e-6);
  expect(data.subarray(0, 35).every(Number.isNaN)).toBe(true);
  expect(data.subarray(35).every(Number.isFinite)).toBe(true);
});

it.each(SHAPES)('weights from running sums are those of all copies at once on [%i, %i, %i, %i]', async (n, c, h, w) => {
  const activations = features([n, c, h, w], 8, true);
  for (const positions of [
    [h, w],
    [1, 1],
  ]) {
    const copies = [9, 10, 11].map(seed => features([n, c, ...positions], seed));
    let powers: GradientPowers | undefined;
    for (const copy of copies) powers = await addGradientPowers(copy, powers);
    expect(powers!.copies).toBe(3);
    for (const first of [undefined, copies.at(-1)])
      expectClose(
        await smoothWeights(activations, powers!, first),
        reference.smoothWeights(activations, copies, first),
        1e-5,
      );
  }
});

it.each(SHAPES)('gates and colours are their twins on [%i, %i, %i, %i]', async (n, c, h, w) => {
  const activations = features([n, c, h, w], 12);
  for (const gradients of [features([n, c, h, w], 13), features([n, c, 1, 1], 14)])
    expect(await gateGradients(activations, gradients)).toEqual(reference.gateGradients(activations, gradients));
  const masks = { data: features([n, 1, h, w], 15).data, dims: [n, h, w] } as const;
  expect(await maskColours(activations, masks)).toEqual(reference.maskColours(activations, masks));
  expectClose((await colourStrength(activations)).data, reference.colourStrength(activations).data, 1e-6);
});
