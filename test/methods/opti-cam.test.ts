/** Opti-CAM against PyTorch's autograd and Adam (test/golden/make_opti_cam.py), and as users run it. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { computeMap, type Explainer, type Explanation, load, type Progress } from '../../lib/index.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { Network } from '../../lib/network/network.ts';
import { optimizeMasks } from '../../lib/scoring/mask-optimizer.ts';
import { contrast, negative, probability, topK } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { f0Model, loadF0 } from '../helpers/f0.ts';
import { loadGoldenMethods } from '../helpers/golden-methods.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { uniform } from '../helpers/seeded-weights.ts';

interface Case {
  readonly model: 'm2' | 'm3' | 'small' | 'lite';
  readonly target: number;
  readonly n: number;
  readonly lr: number;
  readonly normalization: string;
  readonly loss: string;
  readonly losses: readonly number[];
  readonly firstGradient: readonly number[];
  readonly raw: { readonly dims: readonly number[]; readonly data: readonly number[] };
  /** Every fourth row and column of the input's size. */
  readonly map: { readonly dims: readonly number[]; readonly data: readonly number[] };
}
const golden = JSON.parse(readFileSync(new URL('../golden/opti-cam.json', import.meta.url), 'utf8')) as {
  mean: number[];
  std: number[];
  cases: Case[];
};
const { mean, std } = golden;

/** The network of make_opti_cam.py; `layer` holds values of both signs. */
function smallModel({ batch = 'N', layout = 'nchw', first = 'Identity', opset = 17 } = {} as SmallOptions): Uint8Array {
  const channelsLast = layout === 'nhwc';
  return buildModel({
    opset,
    nodes: [
      channelsLast ? makeNode('Transpose', ['x'], ['chw'], { perm: [0, 3, 1, 2] }) : makeNode(first, ['x'], ['chw']),
      makeNode('Conv', ['chw', 'w1', 'b1'], ['layer'], { pads: [1, 1, 1, 1], strides: [2, 2] }),
      makeNode('Tanh', ['layer'], ['t']),
      makeNode('Conv', ['t', 'w2', 'b2'], ['c'], { pads: [1, 1, 1, 1] }),
      makeNode('Relu', ['c'], ['r']),
      makeNode('Flatten', ['r'], ['f'], { axis: 1 }),
      makeNode('Gemm', ['f', 'w3', 'b3'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: channelsLast ? [batch, 12, 16, 3] : [batch, 3, 12, 16] }],
    outputs: [{ name: 'y', dims: [batch, 4] }],
    initializers: {
      w1: { data: uniform(1, 189, 0.4), dims: [7, 3, 3, 3] },
      b1: { data: uniform(2, 7, 0.1), dims: [7] },
      w2: { data: uniform(3, 378, 0.4), dims: [6, 7, 3, 3] },
      b2: { data: uniform(4, 6, 0.1), dims: [6] },
      w3: { data: uniform(5, 1152, 0.3), dims: [4, 288] },
      b3: { data: uniform(6, 4, 0.1), dims: [4] },
    },
  });
}
interface SmallOptions {
  batch?: number | string;
  layout?: 'nchw' | 'nhwc';
  first?: string;
  opset?: number;
}

/** The picture of make_opti_cam.py or another, normalised; [1, 3, 12, 16]. */
function image(seed = 20) {
  const pixels = uniform(seed, 3 * 12 * 16, 0.5, 0.5);
  const data = pixels.map((value, i) => (value - mean[Math.floor(i / 192)]!) / std[Math.floor(i / 192)]!);
  return { type: 'float32' as const, data, dims: [1, 3, 12, 16] };
}
function batchOf(...seeds: number[]) {
  const data = new Float32Array(seeds.length * 576);
  for (const [i, seed] of seeds.entries()) data.set(image(seed).data, i * 576);
  return { type: 'float32' as const, data, dims: [seeds.length, 3, 12, 16] };
}
const preprocess = { mean, std };
const OPTI = { method: 'opti-cam', layer: 'layer' };

const f0 = loadF0();
const lite = loadGoldenMethods();
const explainers = {} as Record<Case['model'], Explainer>;
beforeAll(async () => {
  explainers.m2 = await load(f0Model('m2'), { preprocess: 'raw' });
  explainers.m3 = await load(f0Model('m3'), { preprocess: 'raw' });
  explainers.small = await load(smallModel(), { preprocess });
  explainers.lite = await load(new URL('../../assets/efficientnet-lite0.onnx', import.meta.url));
});
afterAll(() => Promise.all(Object.values(explainers).map(cam => cam.dispose())));

const inputOf = (model: Case['model']) => {
  if (model === 'small') return image();
  if (model !== 'lite')
    return { type: 'float32' as const, data: Float32Array.from(f0.input.data), dims: f0.input.dims };
  const { data, dims } = lite.inputs.pair.tensor;
  return { type: 'float32' as const, data: data.slice(0, data.length / dims[0]!), dims: [1, ...dims.slice(1)] };
};
const layerOf = { m2: f0.layer, m3: f0.layer, small: 'layer', lite: lite.layers.last.tensor };
const one = (result: unknown) => result as Explanation;
const many = (result: unknown) => result as Explanation[];

/** Within a part of the largest value expected. */
function expectShare(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expectClose(actual, expected, tolerance * Math.max(...expected.map(Math.abs)));
}

describe('Opti-CAM against PyTorch', () => {
  const titled = golden.cases.map(
    c => [`${c.model}, class ${c.target}, ${c.n} steps of ${c.lr}, ${c.normalization}, ${c.loss}`, c] as const,
  );
  it.each(titled)('%s', async (_, expected) => {
    const { model, target, n, lr, normalization, loss } = expected;
    const spy = vi.spyOn(Network.prototype, 'runGraph');
    try {
      const params = { n, lr, normalization, loss };
      const result = one(
        await explainers[model].explain(inputOf(model), { ...OPTI, layer: layerOf[model], target, params }),
      );
      const outputs = await Promise.all(spy.mock.results.map(({ value }) => value as ReturnType<Network['runGraph']>));
      const drops = outputs.map(values => result.target.score - (Object.values(values)[0]!.data[target] as number));
      const tolerance = model === 'lite' ? 5e-3 : 1e-5;
      expectClose(loss === 'absolute' ? drops.map(Math.abs) : drops, expected.losses, tolerance);
      const slope = loss === 'absolute' ? -Math.sign(drops[0]!) : -1;
      const gradient = Object.values(outputs[0]!)[1]!.data as Float32Array;
      expectShare(
        Array.from(gradient, value => slope * value),
        expected.firstGradient,
        tolerance,
      );
      expect(result.runs).toEqual({ network: 1 + expected.losses.length, tail: 0, saved: 0 });
      expect(result.raw.dims).toEqual(expected.raw.dims);
      // A mask is the same for c·M: channels that are zero everywhere, whose gradient is rounding that Adam turns into steps
      // (in PyTorch's float32 as well), take more or less of the weights from the others.
      const scale = model === 'lite' ? Math.max(...expected.raw.data) / Math.max(...result.raw.data) : 1;
      expect(Math.abs(scale - 1)).toBeLessThan(0.1);
      expectShare(
        result.raw.data.map(value => value * scale),
        expected.raw.data,
        tolerance,
      );
      const { width, data } = result.map;
      const [rows, columns] = expected.map.dims as [number, number];
      const sampled = Array.from(
        { length: rows * columns },
        (_, i) => data[4 * Math.floor(i / columns) * width + 4 * (i % columns)]!,
      );
      expectClose(sampled, expected.map.data, tolerance);
    } finally {
      spy.mockRestore();
    }
  });

  it('the first step of the example worked by hand: from score and gradient to weights', async () => {
    const u = await optimizeMasks(
      {
        channels: 2,
        clean: [3.95],
        evaluate: async () => ({ scores: [1.04375], gradients: Float32Array.of(-1.869643, 1.869643) }),
      },
      { steps: 1, learningRate: 0.1, loss: 'plain', normalization: 'min-max' },
    );
    expectClose(u, [0.4, 0.6], 1e-6);
  });
});

describe('Opti-CAM as users run it', () => {
  it('gives every target and every image of a batch what it gets alone', async () => {
    const { small: cam } = explainers;
    const params = { n: 12, lr: 0.5 };
    const alone = async (seed: number, target: number) =>
      one(await cam.explain(image(seed), { ...OPTI, params, target }));
    const ranked = many(await cam.explain(image(), { ...OPTI, params, target: topK(4) }));
    const batch = many(await cam.explain(batchOf(20, 21, 22), { ...OPTI, params, target: [1, 2, 3] }));
    for (const result of ranked) {
      const own = await alone(20, result.target.index);
      expectClose(result.map.data, own.map.data, 1e-4);
    }
    for (const [i, result] of batch.entries()) {
      const own = await alone(20 + i, i + 1);
      expectClose(result.map.data, own.map.data, 1e-5);
      expect(result.runs).toEqual(own.runs);
    }
    // Four targets share the passes of one image, in which each takes part until it stops.
    expect(ranked[0]!.runs.network).toBeGreaterThan(1 + 12);
  });

  it('repeats itself', async () => {
    const { small: cam } = explainers;
    const [first, second] = [one(await cam.explain(image(), OPTI)), one(await cam.explain(image(), OPTI))];
    expect(first.raw.data).toEqual(second.raw.data);
    expect(first.params).toMatchObject({ n: 50, lr: 0.1, loss: 'plain', normalization: 'min-max' });
    expect(first.status).toBe('ok');
  });

  it('follows every kind of score', async () => {
    const { small: cam } = explainers;
    for (const target of [contrast(1, 0), negative(2), probability(1), contrast('top1', 0)]) {
      const result = one(await cam.explain(image(), { ...OPTI, target, params: { n: 5 } }));
      expect(result.status).toBe('ok');
    }
    const [for1, against1] = await Promise.all(
      [1, negative(1)].map(target => cam.explain(image(), { ...OPTI, target, params: { n: 5 } })),
    );
    expect(one(for1).raw.data).not.toEqual(one(against1).raw.data);
  });

  it('takes models of a fixed batch, of other layouts and opsets', async () => {
    const params = { n: 5 };
    const expected = one(await explainers.small.explain(image(), { ...OPTI, params, target: 1 }));
    for (const options of [{ batch: 1 }, { batch: 3 }, { opset: 7 }, { opset: 20 }]) {
      const cam = await load(smallModel(options), { preprocess });
      const results = many(await cam.explain(image(), { ...OPTI, params, target: topK(4) }));
      const found = results.find(({ target }) => target.index === 1)!;
      expectClose(found.map.data, expected.map.data, 1e-4);
      await cam.dispose();
    }
    const cam = await load(smallModel({ layout: 'nhwc' }), { preprocess });
    const { data, type } = image();
    const turned = data.map((_, i) => data[(i % 3) * 192 + Math.floor(i / 3)]!);
    const result = one(await cam.explain({ type, data: turned, dims: [1, 12, 16, 3] }, { ...OPTI, params, target: 1 }));
    expectClose(result.map.data, expected.map.data, 1e-4);
    await cam.dispose();
  });

  it('masks towards black: a black picture has nothing to keep', async () => {
    const data = image().data.map((_, i) => -mean[Math.floor(i / 192)]! / std[Math.floor(i / 192)]!);
    const spy = vi.spyOn(Network.prototype, 'runGraph');
    const result = one(await explainers.small.explain({ ...image(), data }, { ...OPTI, target: 1, params: { n: 1 } }));
    const [outputs] = await Promise.all(spy.mock.results.map(({ value }) => value as ReturnType<Network['runGraph']>));
    spy.mockRestore();
    expectClose([Object.values(outputs!)[0]!.data[1] as number], [result.target.score], 1e-5);
  });

  it('stops when it is told to', async () => {
    const seen: Progress[] = [];
    const controller = new AbortController();
    const run = explainers.lite.explain(inputOf('lite'), {
      ...OPTI,
      layer: layerOf.lite,
      signal: controller.signal,
      params: { n: 1000 },
      onProgress: progress => {
        seen.push(progress);
        controller.abort();
      },
    });
    await expectError(() => run, 'ERR_ABORTED');
    expect(seen[0]!.total).toBe(1000);
    expect(seen.at(-1)!.done).toBeLessThan(1000);
  });

  it('reports steps up to the total, those that were not needed as well', async () => {
    const seen: Progress[] = [];
    const onProgress = (progress: Progress) => void seen.push(progress);
    await explainers.m2.explain(inputOf('m2'), {
      ...OPTI,
      layer: layerOf.m2,
      target: 0,
      params: { n: 20 },
      onProgress,
    });
    expect(seen.at(-1)).toMatchObject({ done: 20, total: 20, index: 0, method: 'opti-cam' });
  });

  it('names methods that need no gradient where an operator before the layer has none', async () => {
    const cam = await load(smallModel({ first: 'Round' }), { preprocess });
    const error = await expectError(
      () => cam.explain(image(), OPTI),
      'ERR_NO_GRADIENT',
      'without gradients',
      'eigen-cam',
    );
    expect(error.message.split('without gradients:')[1]).not.toMatch(/opti-cam|guided/);
    // Gradients of the layer don't go that far.
    expect(one(await cam.explain(image(), { layer: 'layer' })).status).toBe('ok');
    expect([...cam.unsupported(['opti-cam', 'grad-cam'], { layer: 'layer' }).keys()]).toEqual(['opti-cam']);
    await cam.dispose();
    expect([...explainers.small.unsupported(['opti-cam'], { layer: 'layer' })]).toEqual([]);
  });

  it('says that it cannot be computed from tensors', async () => {
    const activations = { data: new Float32Array(4).fill(1), dims: [1, 2, 2] };
    await expectError(() => computeMap('opti-cam', { activations }), 'ERR_METHOD_UNSUPPORTED', 'every step');
  });
});
