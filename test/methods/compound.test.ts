/**
 * Methods on fixture F0 that need a whole network: a score, a rule or layers of their own (test/golden/make_compound.py).
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { physicalCores } from '../../lib/engine/physical-cores.ts';
import { Session } from '../../lib/engine/session.ts';
import { computeMap, type Explainer, type Explanation, load } from '../../lib/index.ts';
import { classIndex, contrast, rest, topK } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { one } from '../helpers/explain-models.ts';
import { type F0Model, f0Model, type GoldenValues, loadF0 } from '../helpers/f0.ts';
import { AliveCounter } from '../helpers/garbage.ts';
import { loadGoldenGraph } from '../helpers/golden-graphs.ts';

interface Case {
  model: F0Model;
  library: 'pytorch-grad-cam' | 'torchcam' | 'captum' | 'formula';
  method: string;
  target: number;
  view: 'logit' | 'rest';
  /** Empty where the method chooses its own. */
  layers: string[];
  params: Record<string, number | string>;
  raw?: GoldenValues;
  map?: GoldenValues;
}

const cases = JSON.parse(readFileSync(new URL('../golden/f0/compound.json', import.meta.url), 'utf8')) as Case[];
const { input, layer } = loadF0();
const image = { type: 'float32' as const, data: Float32Array.from(input.data), dims: input.dims };

const explainers = new Map<F0Model, Explainer>();
beforeAll(async () => {
  for (const name of ['m2', 'm3', 'mg'] as const) explainers.set(name, await load(f0Model(name)));
});
afterAll(async () => {
  for (const explainer of explainers.values()) await explainer.dispose();
});
const explainer = (name: F0Model): Explainer => explainers.get(name)!;

describe.each([...new Set(cases.map(({ method }) => method))])('%s', method => {
  it.each(
    cases
      .filter(one => one.method === method)
      .map(
        one => [`${one.library} ${one.model} ${one.view} ${one.target} ${JSON.stringify(one.params)}`, one] as const,
      ),
  )('%s', async (_, one) => {
    const { library, params, layers, view, target } = one;
    const result = (await explainer(one.model).explain(image, {
      method,
      params,
      layer: layers.length === 0 ? undefined : layers.length === 1 ? layers[0] : layers,
      target: view === 'rest' ? rest(target) : target,
      convention: library === 'captum' || library === 'formula' ? 'paper' : library,
    })) as Explanation;
    if (one.raw) expectClose(result.raw.data, one.raw.data, 2e-6);
    if (!one.map) return;
    if (result.map.data.length === one.map.data.length) expectClose(result.map.data, one.map.data, 1e-5);
    else for (const corner of CORNERS) expect(result.map.data[corner.of16]).toBeCloseTo(one.map.data[corner.of4]!, 5);
  });
});

/** Maps of 2×2 enlarged to 4×4 with half-pixel centres keep their values in the corners. */
const CORNERS = [
  { of4: 0, of16: 0 },
  { of4: 1, of16: 3 },
  { of4: 2, of16: 12 },
  { of4: 3, of16: 15 },
];

describe('zoom-cam', () => {
  it('is HiResCAM on one layer', async () => {
    const { raw } = await explainer('m2').explain(image, { method: 'zoom-cam', layer, target: 0 });
    expectClose(raw.data, [0.55, 1.8, 0.3, 1.2], 1e-6);
  });

  it('keeps the larger of the maps, each (M − min) / max', async () => {
    // conv = [2 0; 3 3], [1.5 3; -2.5 -1] after it the ReLU.
    const scaled = async (name: string) => {
      const { raw } = await explainer('m2').explain(image, { method: 'hirescam', layer: name, target: 0 });
      const map = raw.data.map(value => Math.max(value, 0));
      return map.map(value => (value - Math.min(...map)) / Math.max(...map));
    };
    const [conv, act] = [await scaled('conv'), await scaled(layer)];
    expectClose(act, [0.25 / 1.8, 1.5 / 1.8, 0, 0.9 / 1.8], 1e-6);
    const both = (await explainer('m2').explain(image, {
      method: 'zoom-cam',
      layer: ['conv', layer],
      target: 0,
    })) as Explanation;
    expectClose(
      both.raw.data,
      conv.map((value, i) => Math.max(value, act[i]!)),
      1e-6,
    );
  });
});

describe('refine-cam', () => {
  it('multiplies the maps of its layers and stretches the product', async () => {
    const one = async (name: string) =>
      (await explainer('m2').explain(image, { method: 'hirescam', layer: name, target: 0 })).map.data;
    const [first, second] = [await one('conv'), await one(layer)];
    const params = { base: 'hirescam' };
    const refined = (await explainer('m2').explain(image, {
      method: 'refine-cam',
      params,
      layer: ['conv', layer],
      target: 0,
    })) as Explanation;
    const corners = CORNERS.map(({ of16 }) => first[of16]! * second[of16]!);
    const [low, high] = [Math.min(...corners), Math.max(...corners)];
    for (const [i, { of16 }] of CORNERS.entries())
      expect(refined.map.data[of16]).toBeCloseTo((corners[i]! - low) / (high - low), 5);
  });
});

describe.each(['paper', 'pgc', 'torchcam'] as const)('refine-cam, mode %s', mode => {
  it('is what the convention of that name computes', async () => {
    const convention = mode === 'pgc' ? 'pytorch-grad-cam' : mode;
    const both = ['conv', layer];
    const named = await explainer('m2').explain(image, { method: 'refine-cam', params: { mode }, layer: both });
    const meant = await explainer('m2').explain(image, { method: 'refine-cam', convention, layer: both });
    expectClose(one(named).raw.data, one(meant).raw.data, 1e-7);
  });
});

describe('finer-cam', () => {
  it('keeps the image’s class as target, reports the contrast and counts its own pass', async () => {
    const finer = (mode: string) => explainer('m2').explain(image, { method: 'finer-cam', params: { mode } });
    const { target, runs } = await finer('paper');
    expect(target).toMatchObject({ index: 0, kind: 'class' });
    expect(target.score).toBeCloseTo(3.95 - (0.6 * (1.9 - 1.35)) / 2, 5);
    expect((await finer('pgc')).target.score).toBeCloseTo(2.171312, 5);
    expect(runs.network).toBe(2);
  });

  it('follows several targets of one image and shares a call with other methods', async () => {
    const cam = explainer('m2');
    const many = (await cam.explain(image, {
      methods: ['grad-cam', 'finer-cam'],
      target: 'top2',
    })) as unknown as Explanation[][];
    const alone = (await Promise.all(
      [0, 1].map(target => cam.explain(image, { method: 'finer-cam', target })),
    )) as Explanation[];
    for (const [t, result] of many[1]!.entries()) expectClose(result.raw.data, alone[t]!.raw.data, 1e-6);
    expectClose(many[0]![0]!.raw.data, [0.55, 0.3, 0.6, 0.6], 1e-6);
  });

  it('takes one class as target, which `unsupported` knows', async () => {
    const cam = explainer('m2');
    const target = contrast(classIndex(0), classIndex(1));
    await expect(cam.explain(image, { method: 'finer-cam', target })).rejects.toMatchObject({
      code: 'ERR_METHOD_UNSUPPORTED',
    });
    expect([...cam.unsupported(['finer-cam', 'grad-cam'], { target }).keys()]).toEqual(['finer-cam']);
  });
});

describe('shapley-cam', () => {
  it('follows several targets of one image, and images of a batch', async () => {
    const cam = explainer('m2');
    const explain = (target: Parameters<Explainer['explain']>[1] & object) =>
      cam.explain(image, { method: 'shapley-cam', ...target });
    const first = one(await explain({ target: rest(0) }));
    const second = one(await explain({ target: rest(1) }));
    const both = [...image.data, ...image.data];
    const batch = (await cam.explain(
      { type: 'float32', data: Float32Array.from(both), dims: [2, ...image.dims.slice(1)] },
      { method: 'shapley-cam', target: [rest(0), rest(1)] },
    )) as unknown as Explanation[];
    expectClose(batch[0]!.raw.data, first.raw.data, 1e-6);
    expectClose(batch[1]!.raw.data, second.raw.data, 1e-6);
    const many = (await explain({ target: topK(2) })) as unknown as Explanation[];
    const gradCam = (await cam.explain(image, { method: 'grad-cam', target: topK(2) })) as unknown as Explanation[];
    for (const [t, { raw }] of many.entries()) expectClose(raw.data, gradCam[t]!.raw.data, 1e-6);
  });

  it('needs more than tensors', async () => {
    const tensor = { data: new Float32Array(8), dims: [2, 2, 2] };
    await expect(computeMap('shapley-cam', { activations: tensor, gradients: tensor })).rejects.toMatchObject({
      code: 'ERR_METHOD_UNSUPPORTED',
    });
  });
});

describe('fullgrad', () => {
  it('stretches the channels of a term together in the authors’ way', async () => {
    const { raw, layer: used } = await explainer('mg').explain(image, { method: 'fullgrad', target: 0 });
    expect((used as unknown as { name: string }[]).map(({ name }) => name)).toEqual(['input', 'conv']);
    // ∂y/∂A = [.125, −.1]. Input: |x·∂y/∂x| over its largest value, .25. Bias of the second channel: .5 in the open upper
    // row, enlarged with corners on corners to 1, 2/3, 1/3, 0.
    const inputTerm = [0.5, 0.8, 0, 0.4, 0, 0.9, 0.6, 0, 1, 0, 0.5, 0, 0, 0.5, 0, 1];
    expectClose(
      raw.data,
      inputTerm.map((value, i) => value + 1 - Math.floor(i / 4) / 3),
      1e-4,
    );
    expect(raw.dims).toEqual([4, 4]);
  });
});

describe('fullgrad on residual networks', () => {
  it('takes layers that share one gradient, the parts of a sum', async () => {
    const golden = loadGoldenGraph('resnet18-legacy-17');
    const cam = await load(golden.model);
    try {
      const [count, ...dims] = golden.input.dims as [number, ...number[]];
      const data = golden.input.data.slice(0, golden.input.data.length / count);
      const tensor = { type: 'float32' as const, data, dims: [1, ...dims] };
      const result = await cam.explain(tensor, { method: 'fullgrad' });
      expect(result.status).toBe('ok');
      expect(result.raw.dims).toEqual(dims.slice(1));
    } finally {
      await cam.dispose();
    }
  });
});

describe('guided methods', () => {
  it('give colours at the input’s size and a map of their strength', async () => {
    const { raw, map, layer: used } = await explainer('m2').explain(image, { method: 'guided-backprop', target: 0 });
    expect(raw.dims).toEqual([1, 4, 4]);
    expect(used).toMatchObject({ name: 'input', shape: [1, 4, 4] });
    const strongest = Math.max(...raw.data.map(Math.abs));
    expectClose(
      map.data,
      raw.data.map(value => Math.abs(value) / strongest),
      1e-6,
    );
  });

  it('multiplies with the enlarged map of the base', async () => {
    const params = { base: 'hirescam' };
    const [base, guided, product] = (await Promise.all([
      explainer('m2').explain(image, { method: 'hirescam', layer, target: 0 }),
      explainer('m2').explain(image, { method: 'guided-backprop', target: 0 }),
      explainer('m2').explain(image, { method: 'guided-grad-cam', params, layer, target: 0 }),
    ])) as [Explanation, Explanation, Explanation];
    expect(product.layer).toMatchObject({ name: layer });
    expectClose(
      product.raw.data,
      guided.raw.data.map((value, i) => value * base.map.data[i]!),
      1e-6,
    );
  });

  it('shares a call with other methods, targets and a batch', async () => {
    const methods = ['grad-cam', 'guided-backprop', 'guided-grad-cam'];
    const many = (await explainer('m2').explain(image, { methods, target: 'top2' })) as unknown as Explanation[][];
    const alone = await explainer('m2').explain(image, { method: 'guided-backprop', target: 1 });
    expectClose(many[1]![1]!.raw.data, alone.raw.data, 1e-6);
    const data = Float32Array.of(...image.data.map(value => value * 2), ...image.data);
    const batch = (await explainer('m2').explain(
      { type: 'float32', data, dims: [2, ...image.dims.slice(1)] },
      { method: 'guided-backprop', target: [0, 1] },
    )) as unknown as Explanation[];
    expectClose(batch[1]!.raw.data, alone.raw.data, 1e-6);
  });
});

describe('smooth-grad-cam++', () => {
  const smooth = (params: Record<string, number | string>, seed = 0) =>
    explainer('m2').explain(image, { method: 'smooth-grad-cam++', target: 0, params, seed });

  it('is the worked example without noise in both modes', async () => {
    for (const mode of ['clean', 'torchcam']) {
      const { raw } = await smooth({ sigma: 0, mode });
      expectClose(raw.data, [0.697694, 0.523045, 0.654257, 0.654257], 2e-6);
    }
  });

  it('repeats with a seed, differs with another, and counts its passes', async () => {
    const params = { sigma: 1, mode: 'torchcam' };
    const [first, again, other] = [await smooth(params), await smooth(params), await smooth(params, 1)];
    expect(again.raw.data).toEqual(first.raw.data);
    expect(other.raw.data).not.toEqual(first.raw.data);
    expect(first.runs.network).toBe(5);
  });

  it('keeps no copies but the last and those in work', async () => {
    // A spy would keep what it saw returned.
    const { run } = Session.prototype;
    const outputs = new AliveCounter();
    const alive: number[] = [];
    Session.prototype.run = async function (...args) {
      const given = await run.apply(this, args);
      outputs.show(given);
      alive.push(await outputs.count());
      return given;
    };
    try {
      await smooth({ sigma: 1, n: 40 });
    } finally {
      Session.prototype.run = run;
    }
    expect(alive).toHaveLength(41);
    // The clean run's, the last copy's, and those that are in work side by side: two for each thread and one more.
    expect(Math.max(...alive)).toBeLessThanOrEqual(2 + 2 * physicalCores() + 1);
  });

  it('gives an image the same map alone and in a batch', async () => {
    const params = { sigma: 1, n: 3, mode: 'torchcam' };
    const alone = await smooth(params);
    const data = Float32Array.of(...image.data.map(value => value / 2), ...image.data);
    const [, second] = (await explainer('m2').explain(
      { type: 'float32', data, dims: [2, ...image.dims.slice(1)] },
      { method: 'smooth-grad-cam++', target: 0, params },
    )) as unknown as Explanation[];
    expectClose(second!.raw.data, alone.raw.data, 1e-6);
  });
});
