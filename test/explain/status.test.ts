import { describe, expect, it } from 'vitest';
import { type ComputedMap, computeMap } from '../../lib/compute-map.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { negative, probability, weighted } from '../../lib/targets/index.ts';
import { flat, noiseImage, one, plainModel } from '../helpers/explain-models.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();

const image = noiseImage([1, 3, 16, 16]);
const isZero = (data: Float32Array) => data.every(value => value === 0);
const CONVENTIONS = ['paper', 'pytorch-grad-cam', 'torchcam'] as const;
const METHODS = [
  'grad-cam',
  'grad-cam++',
  'xgrad-cam',
  'hirescam',
  'layer-cam',
  'eigen-cam',
  'kpca-cam',
  'fem',
  'activation-mean',
];
/** Those that look at no target. */
const OF_THE_LAYER = [...METHODS.slice(-4), 'dff', 'random-cam'];

describe('status', () => {
  it('is zero where a layer is dead', async () => {
    // Relu(−|x| − 1) is nowhere positive.
    const dead = buildModel({
      nodes: [
        makeNode('Abs', ['x'], ['abs']),
        makeNode('Conv', ['abs', 'w', 'b'], ['c'], { strides: [2, 2] }),
        makeNode('Relu', ['c'], ['r']),
        makeNode('GlobalAveragePool', ['r'], ['p']),
        makeNode('Flatten', ['p'], ['f']),
        makeNode('Gemm', ['f', 'wf'], ['y'], { transB: 1 }),
      ],
      inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
      outputs: [{ name: 'y', dims: ['N', 5] }],
      initializers: {
        w: { dims: [4, 3, 2, 2], data: new Float32Array(48).fill(-0.1) },
        b: { dims: [4], data: new Float32Array(4).fill(-1) },
        wf: noise([5, 4]),
      },
    });
    const cam = await open(dead);
    const methods = [...new Set([...METHODS, ...OF_THE_LAYER])];
    for (const convention of CONVENTIONS)
      for (const { method, status, reason, map } of flat(
        await cam.explain(noiseImage([2, 3, 16, 16]), { methods, convention }),
      )) {
        expect([method, status]).toEqual([method, 'zero']);
        expect(reason).toMatch(/every value is zero.*try/);
        expect([method, /target|score/.test(reason!)]).toEqual([method, !OF_THE_LAYER.includes(method)]);
        expect(isZero(map.data)).toBe(true);
      }
  });

  it('is zero with a suggestion where every value is negative', async () => {
    // Weights of the head that are all negative for class 0, and activations that are not.
    const head = noise([5, 8], 3);
    head.data.fill(-0.5, 0, 8);
    const cam = await open(plainModel({ weights: { wf: head } }));
    for (const convention of CONVENTIONS) {
      const result = one(await cam.explain(image, { target: 0, convention }));
      expect(result).toMatchObject({ status: 'zero', reason: expect.stringMatching(/negative.*relu: false/) });
      expect(isZero(result.map.data)).toBe(true);
      expect(Math.min(...result.raw.data)).toBeLessThan(0);
    }
    expect(one(await cam.explain(image, { target: negative(0) })).status).toBe('ok');
    const signed = one(await cam.explain(image, { target: 0, params: { relu: false } }));
    expect(signed.status).toBe('ok');
    expect([Math.min(...signed.raw.data) < 0, Math.max(...signed.map.data)]).toEqual([true, expect.closeTo(1, 1)]);
  });

  it('is not put down to the target where the method looks at none', async () => {
    const activations = { data: Float32Array.of(-1, -2, -3, -4), dims: [1, 2, 2] };
    const { status, reason } = (await computeMap('activation-mean', { activations })) as ComputedMap;
    expect({ status, reason }).toEqual({
      status: 'zero',
      reason: expect.stringMatching(/^(?!.*target).*negative.*relu: false/),
    });
  });

  it('is zero where the target does not depend on the layer', async () => {
    const cam = await open(plainModel());
    expect(one(await cam.explain(image, { target: weighted([[1, 0]]) }))).toMatchObject({ status: 'zero' });
    const saturated = noise([5], 24);
    saturated.data[2] = 1000;
    const sure = await open(plainModel({ weights: { bf: saturated } }));
    const result = one(await sure.explain(image, { target: probability(2) }));
    expect(result).toMatchObject({ status: 'zero', reason: expect.stringMatching(/saturated.*logit/) });
    expect(one(await sure.explain(image, { target: 2 })).status).not.toBe('not-finite');
  });

  it('is constant where no place stands out, also up to rounding', async () => {
    const flatImage = { type: 'float32' as const, data: new Float32Array(768).fill(0.37), dims: [1, 3, 16, 16] };
    const weights = { w1: noise([6, 3, 2, 2], 1), w2: noise([8, 6, 2, 2], 2) };
    const cam = await open(
      buildModel({
        nodes: [
          makeNode('Conv', ['x', 'w1'], ['c1'], { strides: [2, 2] }),
          makeNode('Relu', ['c1'], ['r1']),
          makeNode('Conv', ['r1', 'w2'], ['c2'], { strides: [2, 2] }),
          makeNode('Relu', ['c2'], ['r2']),
          makeNode('GlobalAveragePool', ['r2'], ['p']),
          makeNode('Flatten', ['p'], ['f']),
          makeNode('Gemm', ['f', 'wf'], ['y'], { transB: 1 }),
        ],
        inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
        outputs: [{ name: 'y', dims: ['N', 5] }],
        initializers: { ...weights, wf: noise([5, 8], 3) },
      }),
    );
    const results = flat(await cam.explain(flatImage, { methods: METHODS, params: { relu: false } }));
    for (const result of results) {
      expect([result.method, result.status]).not.toEqual([result.method, 'ok']);
      expect(result.reason).toMatch(/\w+/);
      expect(isZero(result.map.data)).toBe(true);
    }
    expect(results[0]).toMatchObject({ status: 'constant', reason: expect.stringMatching(/no place stands out/) });
  });

  it('is not-finite with NaN weights or input', async () => {
    const broken = noise([6, 3, 3, 3], 21, 0.5);
    broken.data[7] = Number.NaN;
    const cam = await open(plainModel({ weights: { w1: broken } }));
    for (const convention of CONVENTIONS)
      for (const result of flat(await cam.explain(noiseImage([2, 3, 16, 16]), { methods: METHODS, convention }))) {
        expect([result.method, result.status]).toEqual([result.method, 'not-finite']);
        expect(result.reason).toMatch(/NaN/);
        expect(isZero(result.map.data)).toBe(true);
      }
    expect((await cam.predict(image)).length).toBe(5);
    const sound = await open(plainModel());
    const bad = noiseImage([2, 3, 16, 16]);
    bad.data[5] = Number.NaN;
    const [first, second] = flat(await sound.explain(bad, { target: 1 }));
    expect([first!.status, second!.status]).toEqual(['not-finite', 'ok']);
    expect(Math.max(...second!.map.data)).toBeGreaterThan(0.5);
    expect((await first!.overlay()).info).toMatchObject({ width: 16, height: 16 });
    const infinite = noiseImage([1, 3, 16, 16]);
    infinite.data[5] = Number.POSITIVE_INFINITY;
    expect(one(await sound.explain(infinite, { target: 1 })).status).toBe('not-finite');
  });

  it('judges each image of a batch for itself', async () => {
    const cam = await open(plainModel());
    const batch = noiseImage([3, 3, 16, 16], 5);
    batch.data.fill(0, 768, 1536);
    const results = flat(await cam.explain(batch, { method: 'layer-cam', target: 1, params: { relu: false } }));
    expect(results[0]!.status).toBe('ok');
    expect(results[2]!.status).toBe('ok');
    for (const { map, status } of results) expect(isZero(map.data)).toBe(status !== 'ok');
    expect(Math.max(...results[2]!.map.data)).toBeGreaterThan(0.5);
  });
});
