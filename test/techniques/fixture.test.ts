/** The worked values of docs/techniques.md, on the networks M2 and MG of docs/methods.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explainer, type Explanation, load } from '../../lib/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { f0Model } from '../helpers/f0.ts';
import { M2_INPUT } from '../helpers/fixture-network.ts';
import { meanNetwork } from '../helpers/mean-network.ts';

const X = { type: 'float32' as const, data: M2_INPUT, dims: [1, 1, 4, 4] };
const PGC = { method: 'grad-cam', target: 0, convention: 'pytorch-grad-cam' } as const;

let m2: Explainer;
let mg: Explainer;
beforeAll(async () => {
  [m2, mg] = await Promise.all([load(f0Model('m2')), load(meanNetwork())]);
});
afterAll(async () => {
  await m2.dispose();
  await mg.dispose();
});

describe('augmentation', () => {
  it('averages six finished maps, which are not stretched again', async () => {
    const result: Explanation = await m2.explain(X, { ...PGC, technique: 'aug-smooth' });
    expectClose(
      result.map.data,
      [
        ...[0.664831, 0.623623, 0.541208, 0.5, 0.623623, 0.596434, 0.542057, 0.514868],
        ...[0.541208, 0.542057, 0.543755, 0.544605, 0.5, 0.514868, 0.544605, 0.559473],
      ],
      1e-5,
    );
    expect(result.technique).toEqual({ name: 'augmentation', params: {} });
    expect(result.runs.network).toBe(6);
  });
});

describe('smooth-grad', () => {
  it('without noise is the method itself', async () => {
    const plain = await m2.explain(X, PGC);
    const smooth = await m2.explain(X, { ...PGC, technique: { name: 'smooth-grad', params: { n: 3, sigma: 0 } } });
    expectClose(smooth.map.data, plain.map.data, 1e-6);
    expectClose(smooth.raw.data, plain.raw.data, 1e-6);
    expect(smooth.runs.network).toBe(4);
  });
});

const given = (name: string, params: Record<string, unknown>) => ({ technique: { name, params } });

describe('multi-scale', () => {
  it('sums the positive parts of two scales and their mirror images', async () => {
    const { map, runs } = await mg.explain(X, {
      ...{ method: 'grad-cam', target: 0 },
      ...given('multi-scale', { scales: [1, 2] }),
    });
    expectClose(
      map.data,
      [
        ...[0.521118, 0.732382, 0.813047, 0.924441, 0.500952, 0.671564, 0.999984, 0.828732],
        ...[0.79064, 0.644036, 0.759271, 0.827771, 0.765672, 0.731102, 0.654279, 0.880907],
      ],
      1e-5,
    );
    expect(runs.network).toBe(4);
  });
});

describe('multi-scale of gradients', () => {
  it('says so where one scale makes most of the map', async () => {
    const options = { method: 'grad-cam', target: 0, ...given('multi-scale', { scales: [1, 2, 4] }) };
    const { warnings } = await mg.explain(X, options);
    expect(warnings.join()).toMatch(/the scale 1 alone makes \d\d % of this map/);
    const cam = await mg.explain(X, { ...options, method: 'cam' });
    expect(cam.warnings.join()).not.toMatch(/alone makes/);
  });
});

describe('sess', () => {
  const options = { ...PGC };
  it.each([
    {
      params: { scales: 3, smooth: false },
      expected: [
        ...[0.467589, 0.972541, 0.565634, 0, 0.388279, 1, 0.893001, 0.560411],
        ...[0.391527, 0.767919, 0.919881, 0.977622, 0.52891, 0.403276, 0.552462, 0.898074],
      ],
      runs: 9,
    },
    { params: { scales: 3, smooth: false, fuse: 'max' }, expected: [0.816042, 0.959681, 0.628644, 0], runs: 9 },
    { params: { scales: 3, smooth: false, ratio: 0.5 }, expected: [0.458943, 0.985045, 0.515864, 0], runs: 14 },
    { params: { scales: 3 }, expected: [0.945284, 0.353018, 0.304171, 0.429026], runs: 9 },
  ])('puts nine windows together: $params', async ({ params, expected, runs }) => {
    const result = await m2.explain(X, { ...options, ...given('sess', params) });
    expectClose(result.map.data.subarray(0, expected.length), expected, 1e-5);
    expect(result.runs.network).toBe(runs);
  });

  it.each([
    { params: { scales: 3, smooth: false }, expected: [0.204959, 0.377609, 0.238482, 0.045084] },
    { params: { scales: 3, smooth: false, fuse: 'max' }, expected: [0.765628, 0.885192, 0.609639, 0.086358] },
    { params: { scales: 3 }, expected: [0.300085, 0.291812, 0.291129, 0.292873] },
  ])("is not stretched by the paper's convention: $params", async ({ params, expected }) => {
    const { map } = await m2.explain(X, { method: 'grad-cam', target: 0, ...given('sess', params) });
    expectClose(map.data.subarray(0, 4), expected, 1e-5);
  });
});

describe('cameras', () => {
  it('averages activations and gradients of three sizes', async () => {
    const { map } = await mg.explain(X, { method: 'hirescam', target: 0, ...given('cameras', { sizes: [4, 6, 8] }) });
    expectClose(
      map.data,
      [
        ...[0.372638, 0.663722, 0.175233, 0, 0.227585, 0.433738, 0.63618, 0.053924],
        ...[0.676576, 0.29095, 0.488459, 0.715475, 0.764475, 0.515408, 0.403777, 1],
      ],
      1e-5,
    );
  });
});

describe('jitter-cam', () => {
  it.each([
    {
      mode: 'official',
      expected: [
        ...[0.25, 0.633333, 0.033333, 0.25, 0.033333, 0.4, 1.12, 0.033333],
        ...[0.633333, 0.04, 0.4, 0.333333, 0.25, 0.333333, 0.033333, 0.475],
      ],
    },
    {
      mode: 'true',
      expected: [...[0.5, 0.95, 0.05, 0.5, 0.05, 0.5, 1.4, 0.05], ...[0.95, 0.05, 0.5, 0.5, 0.5, 0.5, 0.05, 0.95]],
    },
  ])('averages nine crops on a finer grid: $mode', async ({ mode, expected }) => {
    const { raw, runs } = await m2.explain(X, {
      method: 'grad-cam',
      target: 0,
      ...given('jitter-cam', { factor: 2, mode }),
    });
    expect(raw.dims).toEqual([4, 4]);
    expectClose(raw.data, expected, 1e-5);
    expect(runs.network).toBe(10);
  });
});
