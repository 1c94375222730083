/** Methods as nodes of a graph, run by ONNX Runtime, against what the methods compute. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reduceSum } from '../../lib/autodiff/forms.ts';
import { exportableMethods } from '../../lib/export/exportable.ts';
import type { FeatureMaps } from '../../lib/kernels/features.ts';
import { principalComponentInGraph } from '../../lib/methods/support/principal-in-graph.ts';
import { pseudoRandom } from '../autodiff/harness.ts';
import {
  type FedLayer,
  type MethodGraphOptions,
  mapComputed,
  mapDistance,
  mapInGraph,
} from '../helpers/method-graph.ts';

const OPSETS = [7, 9, 11, 13, 17, 21];

/** Signed values of about 1, or those of a ReLU with a few strong positions. */
function features(dims: readonly number[], seed: number, kind: 'signed' | 'relu' = 'signed'): FeatureMaps {
  const { data } = pseudoRandom(dims, seed);
  const shown = kind === 'relu' ? data.map(value => Math.max(value, 0) * 3) : data;
  return { data: Float32Array.from(shown), dims };
}

/** A layer of a network: a ReLU's values, stronger in one place of the picture. */
function activated(dims: readonly number[], seed: number): FeatureMaps {
  const { data } = features(dims, seed, 'relu');
  const [height, width] = dims.slice(2) as [number, number];
  const strength = (i: number) => {
    const y = (Math.floor(i / width) % height) / height;
    const x = (i % width) / width;
    return 1 + 3 * Math.exp(-8 * ((y - 0.4) ** 2 + (x - 0.6) ** 2));
  };
  return { data: data.map((value, i) => value * strength(i)), dims };
}

const lazily = ([count, channels, ...positions]: readonly number[], seed: number) =>
  features([count!, channels!, ...positions.map(() => 1)], seed);

/** Probabilities [N, heads, tokens, tokens] whose rows add up to 1. */
function attention(dims: readonly [number, number, number, number], seed: number): FeatureMaps {
  const data = Float32Array.from(pseudoRandom(dims, seed).data, value => Math.exp(2 * value));
  const keys = dims[3];
  for (let row = 0; row < data.length; row += keys) {
    const own = data.subarray(row, row + keys);
    const sum = own.reduce((total, value) => total + value, 0);
    own.forEach((value, i) => {
      own[i] = value / sum;
    });
  }
  return { data, dims };
}

async function distance(method: string, layers: readonly FedLayer[], options: MethodGraphOptions = {}) {
  const found = await mapInGraph(method, layers, options);
  const images = layers[0]!.activations.dims[0]!;
  const expected = await mapComputed(method, layers, options.params);
  return mapDistance(found.data, expected, images);
}

const OF_FEATURES = [
  'cam',
  'grad-cam',
  'grad-cam++',
  'hirescam',
  'grad-cam-elementwise',
  'xgrad-cam',
  'layer-cam',
  'activation-mean',
  'fem',
  'eigen-cam',
  'eigen-grad-cam',
  'seg-eigen-cam',
];
const OF_ATTENTION = ['attention-rollout', 'gradient-rollout', 'generic-attention', 'attention-grad-cam', 'legrad'];

it('exists for those that need no runs of changed pictures, random numbers or curvature', () => {
  expect(exportableMethods().toSorted()).toEqual([...OF_FEATURES, ...OF_ATTENTION, 'recipro-cam'].toSorted());
});

describe.each(OF_FEATURES)('%s', method => {
  const layerOf = (dims: readonly number[], seed: number, kind: 'signed' | 'relu', lazy: boolean): FedLayer => ({
    activations: features(dims, seed, kind),
    gradients: lazy ? lazily(dims, seed + 1) : features(dims, seed + 1),
    classifier: features(dims.slice(0, 2), seed + 2).data,
  });

  it.each(OPSETS)('gives in opset %i what it computes', async opset => {
    for (const [seed, dims] of [
      [1, [1, 6, 4, 5]],
      [2, [3, 20, 3, 3]],
      [3, [2, 5, 2, 3, 4]],
    ] as const)
      for (const kind of ['signed', 'relu'] as const)
        for (const lazy of [true, false])
          for (const dynamic of [true, false]) {
            const off = await distance(method, [layerOf(dims, seed, kind, lazy)], { opset, dynamic });
            expect(off, `${dims} ${kind} ${lazy ? 'lazy' : 'full'}`).toBeLessThan(1e-5);
          }
  });

  it.each([
    [1, 1280, 7, 7],
    [1, 64, 28, 28],
    [1, 600, 25, 25],
  ])('does so for layers of networks [%i, %i, %i, %i]', async (...dims) => {
    for (const lazy of [true, false]) {
      const layer = { ...layerOf(dims, 4, 'relu', lazy), activations: activated(dims, 4) };
      expect(await distance(method, [layer])).toBeLessThan(1e-5);
    }
  });

  it('gives zeros for zeros, and takes channels that are constant', async () => {
    const dims = [2, 6, 4, 5];
    const layer = layerOf(dims, 5, 'relu', false);
    layer.activations.data.fill(0, 0, layer.activations.data.length / 2);
    layer.activations.data.fill(0.1, 120, 160);
    expect(await distance(method, [layer])).toBeLessThan(1e-5);
    layer.activations.data.fill(0);
    expect(new Set((await mapInGraph(method, [layer])).data.map(Math.abs))).toEqual(new Set([0]));
  });

  it('takes activations of every magnitude', async () => {
    for (const factor of [1e-12, 1e12]) {
      const layer = layerOf([1, 6, 4, 5], 6, 'relu', false);
      const large = layer.activations.data.map(value => value * factor);
      const scaled = { ...layer, activations: { ...layer.activations, data: large } };
      if (method !== 'xgrad-cam') expect(await distance(method, [scaled]), `${factor}`).toBeLessThan(1e-5);
    }
  });
});

describe('guards', () => {
  const dims = [1, 3, 4, 4];

  it('of FEM pass over channels whose values differ by rounding', async () => {
    const { data } = features(dims, 61, 'relu');
    data.fill(1, 0, 16);
    data[5] = 1 + 2 ** -23;
    expect(await distance('fem', [{ activations: { data, dims } }])).toBeLessThan(1e-5);
  });

  it('of Grad-CAM++ pass over channels whose denominator vanishes', async () => {
    const [activations, gradients] = [features(dims, 62), lazily(dims, 63)];
    activations.data.fill(-0.125, 0, 16);
    gradients.data.fill(1);
    expect(await distance('grad-cam++', [{ activations, gradients }])).toBeLessThan(1e-5);
  });

  it('of XGrad-CAM divide by no sum of zero', async () => {
    const [activations, gradients] = [features(dims, 64), features(dims, 65)];
    for (const sign of [1, -1]) {
      for (let i = 0; i < 16; i++) activations.data[i] = i % 2 === 0 ? 0.5 : -0.5;
      activations.data[0]! += sign * 2 ** -22;
      expect(await distance('xgrad-cam', [{ activations, gradients }])).toBeLessThan(1e-5);
    }
  });
});

describe('parameters', () => {
  const layer: FedLayer = { activations: features([2, 9, 4, 4], 7), gradients: features([2, 9, 4, 4], 8) };

  it.each([
    ['grad-cam++', { mode: 'pgc' }],
    ['grad-cam++', { mode: 'torchcam' }],
    ['fem', { k: 0 }],
    ['fem', { k: 1.3 }],
    ['eigen-cam', { centre: true }],
  ])('of %s are heeded: %o', async (method, params) => {
    expect(await distance(method, [layer], { params })).toBeLessThan(1e-5);
  });

  it.each(['grad-cam', 'hirescam', 'layer-cam', 'grad-cam-elementwise', 'cam'])('eigenSmooth of %s', async method => {
    const classifier = features([2, 9], 9).data;
    const eigenSmooth: MethodGraphOptions['eigenSmooth'] = (emit, x, strength) =>
      principalComponentInGraph(emit, x, { centre: true, strength });
    const found = await mapInGraph(method, [{ ...layer, classifier }], { eigenSmooth });
    const expected = await mapComputed(method, [{ ...layer, classifier }], { eigenSmooth: true });
    expect(mapDistance(found.data, expected, 2)).toBeLessThan(1e-5);
  });
});

describe('recipro-cam', () => {
  const weights = (dims: readonly number[]) => pseudoRandom([1, ...dims.slice(1)], 31).data;
  /** Scores w · changed, and their squares where probabilities are asked for. */
  const tail: MethodGraphOptions['tail'] =
    emit =>
    (changed, copies, { view, keepPrefix }) => {
      expect(keepPrefix).toBe(true);
      const axes = changed.dims.map((_, axis) => axis).slice(1);
      const dims = [1, ...changed.dims.slice(1)];
      const products = emit.mul(changed, emit.constant([...weights(dims)], 'float32', dims));
      const score = emit.reshape(reduceSum(emit, products, axes), [
        changed.dims[0] === -1 ? -1 : changed.dims[0]! / copies,
        copies,
      ]);
      return view === 'logit' ? score : emit.mul(score, score);
    };

  /** The score of a copy that holds `values[k]` at `p`, spread over the neighbours of p or not. */
  function scoreAt({ data, dims }: FeatureMaps, n: number, p: number, params: Readonly<Record<string, unknown>>) {
    const [, channels, ...positions] = dims as [number, number, ...number[]];
    const area = positions.reduce((product, size) => product * size);
    const width = positions.at(-1)!;
    const w = weights(dims);
    let score = 0;
    for (let k = 0; k < channels; k++)
      for (let q = 0; q < area; q++) {
        const [dy, dx] = [Math.abs(Math.floor(p / width) - Math.floor(q / width)), Math.abs((p % width) - (q % width))];
        const share = params.gaussian ? (Math.max(2 - dy, 0) * Math.max(2 - dx, 0)) / 16 : Number(p === q);
        score += w[k * area + q]! * data[(n * channels + k) * area + p]! * share;
      }
    return params.score === 'logit' ? score : score * score;
  }

  it.each(OPSETS)('gives in opset %i the scores of single positions', async opset => {
    for (const dims of [
      [1, 5, 4, 3],
      [3, 2, 1, 5],
      [2, 3, 2, 3, 4],
    ])
      for (const gaussian of dims.length === 4 ? [false, true] : [false])
        for (const score of ['logit', 'probability'])
          for (const dynamic of [false, true]) {
            const params = { gaussian, score };
            const activations = features(dims, 30);
            const found = await mapInGraph('recipro-cam', [{ activations }], { opset, params, dynamic, tail });
            const area = found.data.length / dims[0]!;
            const expected = found.data.map((_, i) => scoreAt(activations, Math.floor(i / area), i % area, params));
            expect(found.dims).toEqual([dims[0], 1, ...dims.slice(2)]);
            expect(mapDistance(found.data, expected, dims[0]!), `${dims} ${score}`).toBeLessThan(1e-5);
          }
  });

  it('spreads no positions of volumes', async () => {
    const options = { params: { gaussian: true }, tail };
    await expect(
      mapInGraph('recipro-cam', [{ activations: features([1, 3, 2, 3, 4], 30) }], options),
    ).rejects.toMatchObject({ code: 'ERR_METHOD_UNSUPPORTED' });
  });
});

describe.each(OF_ATTENTION)('%s', method => {
  const blocksOf = (count: number, tokens: FedLayer['tokens'], reader: FedLayer['reader'], seed = 10): FedLayer[] => {
    const size = tokens!.prefix + tokens!.grid[0] * tokens!.grid[1];
    return [0, 1, 2].map(i => ({
      activations: attention([count, 4, size, size], seed + i),
      gradients: features([count, 4, size, size], seed + 20 + i),
      tokens,
      reader,
    }));
  };

  it.each(OPSETS)('gives in opset %i what it computes', async opset => {
    for (const count of [1, 3])
      for (const [prefix, reader] of [
        [1, 'class'],
        [2, 'mean'],
        [0, undefined],
      ] as const)
        for (const dynamic of [true, false]) {
          const blocks = blocksOf(count, { grid: [3, 4], prefix }, reader);
          expect(await distance(method, blocks, { opset, dynamic }), `${prefix} ${reader}`).toBeLessThan(1e-5);
        }
  });

  it('does so for a network of many tokens', async () => {
    const blocks = blocksOf(1, { grid: [14, 14], prefix: 1 }, 'class');
    expect(await distance(method, blocks)).toBeLessThan(1e-5);
  });
});

describe('parameters of rollouts', () => {
  const tokens = { grid: [2, 3], prefix: 1 } as const;
  const layers = [0, 1].map(i => ({
    activations: attention([2, 3, 7, 7], 40 + i),
    gradients: features([2, 3, 7, 7], 50 + i),
    tokens,
  }));

  it.each(OPSETS.slice(1))('are heeded in opset %i', async opset => {
    for (const method of ['attention-rollout', 'gradient-rollout'])
      for (const fuse of ['mean', 'max', 'min'])
        for (const discard of [0, 0.34, 0.9, 1])
          for (const startLayer of [0, 1, 5]) {
            const params = { fuse, discard, startLayer };
            const off = await distance(method, layers, { opset, params, dynamic: true });
            expect(off, JSON.stringify(params)).toBeLessThan(1e-5);
          }
    expect(await distance('legrad', layers, { opset, params: { startLayer: 1 } })).toBeLessThan(1e-5);
  });

  it('discard the first of equal entries', async () => {
    const values = fc.array(fc.constantFrom(0.1, 0.2, 0.3), { minLength: 49, maxLength: 49 });
    await fc.assert(
      fc.asyncProperty(values, fc.double({ min: 0, max: 1, noNaN: true }), async (data, discard) => {
        const even = [{ activations: { data: Float32Array.from(data), dims: [1, 1, 7, 7] }, tokens }];
        for (const opset of [9, 10, 17])
          expect(await distance('attention-rollout', even, { opset, params: { discard } })).toBeLessThan(1e-5);
      }),
      { numRuns: 20 },
    );
  });

  it('cannot be had below opset 9 where entries are discarded', async () => {
    const options = { opset: 7, params: { discard: 0.5 } };
    await expect(mapInGraph('attention-rollout', layers, options)).rejects.toMatchObject({
      code: 'ERR_METHOD_UNSUPPORTED',
      message: expect.stringContaining('opset 9'),
    });
  });
});
