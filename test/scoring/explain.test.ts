/** Score methods as users run them: a model file, a tensor, a method's name. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explainer, type Explanation, load } from '../../lib/index.ts';
import { paramSpecs } from '../../lib/methods/params.ts';
import { findMethod, METHODS } from '../../lib/methods/registry.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { buildModel, type ModelSpec, noise } from '../helpers/model-builder.ts';
import { classTarget, runMethod, ScoringModels } from '../helpers/scoring.ts';

/** Without those of transformers (test/explain/attention.test.ts) and detectors (test/explain/detection.test.ts). */
const SCORE_METHODS = METHODS.filter(({ needs }) =>
  needs.scores?.some(kind => kind === 'masks' || kind === 'tail'),
).map(({ name }) => name);
/** Parameters that keep the runs few. */
const PARAMS: Record<string, Record<string, unknown>> = {
  'ss-cam': { n: 2 },
  'is-cam': { n: 2 },
  'group-cam': { groups: 3 },
  rise: { n: 30, cells: 3 },
};

interface Shape {
  batch?: number | string;
  channels?: number;
  bias?: number;
  head?: number[];
}

/** Two stages of convolutions, a head that is not affine in the last layer. */
function spec({ batch = 'N', channels = 7, bias, head }: Shape = {}): ModelSpec {
  return {
    nodes: [
      makeNode('Conv', ['x', 'w1', 'b1'], ['c1'], { pads: [1, 1, 1, 1] }),
      makeNode('Relu', ['c1'], ['r1']),
      makeNode('Conv', ['r1', 'w2', 'b2'], ['c2'], { pads: [1, 1, 1, 1], strides: [2, 2] }),
      makeNode('Relu', ['c2'], ['r2']),
      makeNode('Conv', ['r2', 'w3'], ['c3'], { pads: [1, 1, 1, 1] }),
      makeNode('Tanh', ['c3'], ['t3']),
      makeNode('GlobalAveragePool', ['t3'], ['p']),
      makeNode('Flatten', ['p'], ['f'], { axis: 1 }),
      makeNode('Gemm', ['f', 'g'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: [batch, 3, 12, 16] }],
    outputs: [{ name: 'y', dims: [batch, 4] }],
    initializers: {
      w1: noise([5, 3, 3, 3], 1, 0.5),
      b1: { dims: [5], data: new Array<number>(5).fill(bias ?? 0.1) },
      w2: noise([channels, 5, 3, 3], 2, 0.4),
      b2: { dims: [channels], data: new Array<number>(channels).fill(bias ?? 0.1) },
      w3: noise([6, channels, 3, 3], 3, 0.4),
      g: head ? { dims: [4, 6], data: head } : noise([4, 6], 4, 2),
    },
  };
}

const tensor = (count: number, seed = 21) => ({
  type: 'float32' as const,
  data: noise([count * 3 * 12 * 16], seed).data,
  dims: [count, 3, 12, 16],
});
const nth = ({ data, dims, type }: ReturnType<typeof tensor>, n: number) => {
  const size = data.length / dims[0]!;
  return { type, data: data.slice(n * size, (n + 1) * size), dims: [1, ...dims.slice(1)] };
};
const explainWith = async (model: ModelSpec, options: Parameters<Explainer['explain']>[1], image = tensor(1)) => {
  const cam = await load(buildModel(model));
  try {
    return (await cam.explain(image, { layer: 'r2', ...options })) as Explanation;
  } finally {
    await cam.dispose();
  }
};

let cam: Explainer;
beforeAll(async () => {
  cam = await load(buildModel(spec()));
});
afterAll(() => cam.dispose());

const layerOf = (method: string) => (method === 'poly-cam' ? ['r1', 'r2'] : 'r2');

describe.each(SCORE_METHODS)('%s', method => {
  const params = PARAMS[method];

  it('gives for a batch what it gives for each image', async () => {
    const images = tensor(3);
    const target = [2, 0, 1];
    const together = (await cam.explain(images, {
      method,
      params,
      target,
      layer: layerOf(method),
    })) as unknown as Explanation[];
    for (const [n, one] of together.entries()) {
      const alone = await cam.explain(nth(images, n), { method, params, target: target[n]!, layer: layerOf(method) });
      expectClose(one.map.data, alone.map.data, 1e-5);
      expect(one.runs).toEqual(alone.runs);
    }
  });

  it('gives for several targets what it gives for each, from one set of runs where it can', async () => {
    const image = tensor(1);
    const several = (await cam.explain(image, {
      method,
      params,
      target: { kind: 'top', k: 3 },
      layer: layerOf(method),
    })) as unknown as Explanation[];
    expect(several.length).toBe(3);
    for (const one of several) {
      const alone = await cam.explain(image, { method, params, target: one.target.index, layer: layerOf(method) });
      expectClose(one.map.data, alone.map.data, 1e-5);
      if (method !== 'group-cam') expect(one.runs).toEqual(alone.runs);
    }
  });

  it('works with a model that takes one image, or three', async () => {
    const options = { method, params, target: 1, layer: layerOf(method) };
    const many = await explainWith(spec(), options);
    for (const batch of [1, 3]) {
      const fixed = await explainWith(spec({ batch }), options);
      expectClose(fixed.map.data, many.map.data, 1e-5);
      expect(fixed.runs).toEqual(many.runs);
    }
  });

  const savesRuns = 'dedupe' in paramSpecs(findMethod(method));
  it.runIf(savesRuns)('gives the same map without the savings', async () => {
    const options = { method, target: 3, layer: layerOf(method) };
    const saved = await cam.explain(tensor(1), { ...options, params });
    const all = await cam.explain(tensor(1), { ...options, params: { ...params, dedupe: false } });
    expectClose(saved.map.data, all.map.data, 1e-5);
    expect(saved.runs.network + saved.runs.tail).toBeLessThanOrEqual(all.runs.network + all.runs.tail);
  });

  it('calls NaN scores what they are', async () => {
    const head = new Array<number>(24).fill(Number.NaN);
    const result = await explainWith(spec({ head }), { method, params, target: 1, layer: layerOf(method) });
    expect(result.status).toBe('not-finite');
    expect([...result.map.data].every(value => value === 0)).toBe(true);
  });

  it('takes a layer of one channel, and batches larger than the layer', async () => {
    const models = await ScoringModels.open(buildModel(spec({ channels: 1 })), 'r2');
    try {
      const image = await models.image(tensor(1), [classTarget(1)], { batchSize: 64 });
      const gradients = { data: new Float32Array(48).fill(0.5), dims: [1, 1, 6, 8] };
      const single = method === 'group-cam' ? {} : params;
      const { raw } = await runMethod(method, image, { params: single, gradients });
      expect(raw.data.every(Number.isFinite)).toBe(true);
      if (method === 'score-cam') expectClose(raw.data, image.layer.data, 1e-6);
    } finally {
      await models.dispose();
    }
  });

  it('finds nothing in a constant layer', async () => {
    // Negative biases shut every channel off.
    const result = await explainWith(spec({ bias: -1000 }), { method, params, target: 1 });
    expect(['zero', 'constant', 'ok']).toContain(result.status);
    if (method !== 'rise') expect(result.status).not.toBe('ok');
    expect(result.raw.data.every(Number.isFinite)).toBe(true);
  });
});

describe('topK', () => {
  it('runs k channels, ranked as asked', async () => {
    for (const rank of ['deviation', 'gradient', 'maximum'] as const) {
      const { runs, status } = await cam.explain(tensor(1), {
        method: 'score-cam',
        layer: 'r2',
        target: 0,
        params: { topK: 3, rank },
      });
      expect(runs).toMatchObject({ network: 1 + 3, tail: 0 });
      expect(status).toBe('ok');
    }
  });

  it('ranks by gradient for each target, and runs what any of them needs', async () => {
    const options = { method: 'ablation-cam', layer: 'r2', params: { topK: 2, rank: 'gradient' } };
    const several = (await cam.explain(tensor(1), {
      ...options,
      target: { kind: 'top', k: 4 },
    })) as unknown as Explanation[];
    for (const one of several) {
      const alone = await cam.explain(tensor(1), { ...options, target: one.target.index });
      expect(alone.runs.tail).toBe(2);
      expectClose(one.raw.data, alone.raw.data, 1e-5);
    }
  });
});

it('Poly-CAM takes the last layer of each resolution by itself', async () => {
  const result = await cam.explain(tensor(1), { method: 'poly-cam', target: 0 });
  expect(Array.isArray(result.layer)).toBe(true);
  expect(result.raw.dims).toEqual([12, 16]);
});

it('methods that end at the input say so in raw', async () => {
  for (const [method, params] of [
    ['score-cam', { mode: 'official' }],
    ['group-cam', { groups: 2 }],
    ['rise', { n: 10 }],
  ] as const) {
    const { raw } = await cam.explain(tensor(1), { method, params, layer: 'r2', target: 0 });
    expect(raw.dims).toEqual([12, 16]);
  }
});
