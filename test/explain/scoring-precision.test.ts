import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explainer, Explanation } from '../../lib/index.ts';
import { load } from '../../lib/index.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { detection, segmentation, topK } from '../../lib/targets/index.ts';
import { correlation } from '../helpers/correlation.ts';
import { expectError } from '../helpers/expect-error.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { residualSpec, vggModel } from '../helpers/small-models.ts';

const path = (name: string) => fileURLToPath(new URL(`../../assets/${name}`, import.meta.url));
const CAT = path('pictures/cat.png');

const image = {
  type: 'float32',
  dims: [1, 3, 16, 16],
  data: Float32Array.from({ length: 768 }, (_, i) => Math.sin(i / 7) + Math.cos(i / 90)),
} as const;

/** Several convolutions of so many channels, which a score method makes a run of each. */
function deepModel(channels = 192): Uint8Array {
  const wide = Object.fromEntries([2, 3].map(i => [`w${i}`, noise([channels, channels, 1, 1], i, 0.1)]));
  return buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w1'], ['c1'], { pads: [1, 1, 1, 1], strides: [2, 2] }),
      makeNode('Relu', ['c1'], ['r1']),
      makeNode('Conv', ['r1', 'w2'], ['c2']),
      makeNode('Relu', ['c2'], ['r2']),
      makeNode('Conv', ['r2', 'w3'], ['c3']),
      makeNode('Relu', ['c3'], ['r3']),
      makeNode('GlobalAveragePool', ['r3'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'wf'], ['y'], { transB: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 16, 16] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { w1: noise([channels, 3, 3, 3], 1, 0.5), ...wide, wf: noise([5, channels], 4) },
  });
}

async function explainBoth(model: Uint8Array, options: Parameters<Explainer['explain']>[1], picture: unknown = image) {
  const results: Explanation[] = [];
  for (const scoringPrecision of ['fp32', 'int8'] as const) {
    const cam = await load(model, { scoringPrecision, intraOpNumThreads: 2 });
    results.push((await cam.explain(picture as string, options)) as Explanation);
    await cam.dispose();
  }
  return results as [Explanation, Explanation];
}

describe("scoringPrecision 'int8' on the bundled model", () => {
  let [float, int8] = [] as unknown as [Explainer, Explainer];
  beforeAll(async () => {
    const model = path('efficientnet-lite0.onnx');
    [float, int8] = await Promise.all([load(model), load(model, { scoringPrecision: 'int8' })]);
  });
  afterAll(() => Promise.all([float.dispose(), int8.dispose()]));

  it.each([
    ['score-cam', { topK: 200 }],
    ['ss-cam', { topK: 40, n: 5 }],
  ])('%s has the map of float runs', async (method, params) => {
    const options = { method, params, target: 281 } as const;
    const [wanted, result] = (await Promise.all([float.explain(CAT, options), int8.explain(CAT, options)])) as [
      Explanation,
      Explanation,
    ];
    expect([wanted.precision, wanted.cleanScoreMoved]).toEqual(['fp32', null]);
    expect([result.precision, result.warnings]).toEqual(['int8', []]);
    expect(result.cleanScoreMoved).not.toBe(0);
    expect(Math.abs(result.cleanScoreMoved!)).toBeLessThan(0.5);
    expect(result.target.score).toBe(wanted.target.score);
    expect(correlation(result.map.data, wanted.map.data)).toBeGreaterThan(0.995);
    expect(JSON.parse(JSON.stringify(result))).toMatchObject({
      precision: 'int8',
      cleanScoreMoved: result.cleanScoreMoved,
    });
  });

  it('gives the same result twice', async () => {
    const options = { method: 'score-cam', params: { topK: 170 } } as const;
    const [a, b] = (await Promise.all([int8.explain(CAT, options), int8.explain(CAT, options)])) as [
      Explanation,
      Explanation,
    ];
    expect(a.precision).toBe('int8');
    expect(a.raw.data).toEqual(b.raw.data);
  });

  it('makes few runs in float, which takes less time than an int8 version', async () => {
    const options = { method: 'score-cam', params: { topK: 40 } } as const;
    const [wanted, result] = (await Promise.all([float.explain(CAT, options), int8.explain(CAT, options)])) as [
      Explanation,
      Explanation,
    ];
    expect([result.precision, result.cleanScoreMoved, result.warnings]).toEqual(['fp32', null, []]);
    expect(result.raw.data).toEqual(wanted.raw.data);
  });

  it('makes a map anew in float where errors of samples would show in it, and says so', async () => {
    const options = { method: 'is-cam', params: { topK: 80, n: 2 } } as const;
    const picture = path('pictures/rocket.jpg');
    const [wanted, result] = (await Promise.all([float.explain(picture, options), int8.explain(picture, options)])) as [
      Explanation,
      Explanation,
    ];
    expect(result.raw.data).toEqual(wanted.raw.data);
    expect([result.precision, result.cleanScoreMoved]).toEqual(['fp32', null]);
    expect(result.warnings).toEqual([
      expect.stringMatching(/are float: its map may correlate .* by no more than 0\.99/),
    ]);
    expect(result.runs).toEqual({ ...wanted.runs, network: 2 * wanted.runs.network - 1 });
  });

  it('can be aborted, and goes on afterwards', async () => {
    const options = { method: 'score-cam', params: { topK: 300 } } as const;
    for (const milliseconds of [30, 400]) {
      const signal = AbortSignal.timeout(milliseconds);
      await expect(int8.explain(CAT, { ...options, signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    }
    expect(await int8.explain(CAT, { ...options, params: { topK: 170 } })).toMatchObject({ precision: 'int8' });
  });

  it('leaves methods that run nothing again as they are', async () => {
    const results = (await int8.explain(CAT, { methods: ['grad-cam', 'ablation-cam'] })) as Explanation[];
    for (const { precision, cleanScoreMoved, warnings } of results)
      expect([precision, cleanScoreMoved, warnings]).toEqual(['fp32', null, []]);
  });
});

describe("scoringPrecision 'int8'", () => {
  it('is for tails as well', async () => {
    const [wanted, result] = await explainBoth(vggModel(), { method: 'recipro-cam', layer: 'r1', target: 1 });
    expect([result.precision, result.warnings]).toEqual(['int8', []]);
    expect(correlation(result.map.data, wanted.map.data)).toBeGreaterThan(0.995);
  });

  it('is for several targets, each with its own score', async () => {
    const cam = await load(deepModel(), { scoringPrecision: 'int8' });
    const options = { method: 'score-cam', target: topK(2), params: { dedupe: false } } as const;
    const results = (await cam.explain(image, options)) as Explanation[];
    await cam.dispose();
    for (const { precision, warnings } of results) expect([precision, warnings]).toEqual(['int8', []]);
    const moved = results.map(({ cleanScoreMoved }) => cleanScoreMoved);
    expect(moved).toHaveLength(2);
    expect(moved[0]).not.toBe(moved[1]);
  });

  /** One channel is so large that a step of 256 of its range holds much of the others. */
  function unevenModel(size: number): Uint8Array {
    const spec = residualSpec();
    const nodes = [
      ...spec.nodes.slice(0, 2),
      makeNode('Mul', ['r1', 'sizes'], ['r1/large']),
      makeNode('Conv', ['r1/large', 'w2'], ['c2'], { pads: [1, 1, 1, 1] }),
      makeNode('Relu', ['c2'], ['r2']),
      ...spec.nodes.slice(5),
    ];
    const w2 = new Float32Array(noise([4, 4, 3, 3], 2, 0.5).data as Float32Array);
    for (let o = 0; o < 4; o++) w2.fill(0, o * 36 + 27, o * 36 + 36);
    const initializers = {
      ...spec.initializers,
      w2: { dims: [4, 4, 3, 3], data: w2 },
      sizes: { dims: [1, 4, 1, 1], data: [1, 1, 1, size] },
    };
    return buildModel({ ...spec, nodes, initializers });
  }

  it.each([
    ['does not tell inputs apart', 1e6, /runs are float: they move the score of the unchanged picture by/],
    [
      'tells random masks apart too little',
      300,
      /runs are float: its scores of 17 pictures correlate with the float ones by 0/,
    ],
  ])('falls back to float where int8 %s, and says so', async (_, size, reason) => {
    const options = { method: 'rise', params: { n: 200 }, target: 0 } as const;
    const [wanted, result] = await explainBoth(unevenModel(size), options);
    expect(result.raw.data).toEqual(wanted.raw.data);
    expect([result.precision, result.cleanScoreMoved]).toEqual(['fp32', null]);
    expect(result.warnings).toEqual([expect.stringMatching(reason)]);
  });

  const golden = (name: string) => readFileSync(new URL(`../golden/${name}.onnx`, import.meta.url));
  const picture = (dims: readonly number[]) =>
    ({ type: 'float32', dims, data: Float32Array.from(noise(dims, 3).data as Float32Array, Math.abs) }) as const;
  it.each([
    ['the detections of YOLOv8', 'detection/yolov8', 'd-rise', detection(), { n: 200, cells: 4 }, [48, 48]],
    ['those of SSD', 'detection/ssd', 'd-rise', detection(), { n: 200, cells: 4 }, [48, 48]],
    ['classes of a segmentation', 'segmentation/net', 'rise', segmentation({ classIndex: 0 }), { n: 200 }, [20, 24]],
  ] as const)(
    'of %s has the map of float runs, or makes it of them and says so',
    async (_, name, method, target, params, size) => {
      const model = golden(name);
      const [wanted, result] = await explainBoth(model, { method, params, target, seed: 1 }, picture([1, 3, ...size]));
      if (result.precision === 'int8') {
        expect(result.warnings).toEqual(wanted.warnings);
        expect(correlation(result.map.data, wanted.map.data)).toBeGreaterThan(0.995);
      } else {
        expect(result.raw.data).toEqual(wanted.raw.data);
        expect(result.warnings.join()).toContain("scoringPrecision 'int8' was asked for and the runs are float");
      }
    },
  );

  it.each(['qdq', 'qoperator', 'dynamic'])('is ignored with a warning where the model is quantised: %s', async name => {
    const bytes = gunzipSync(readFileSync(new URL(`../golden/quantised/${name}.onnx.gz`, import.meta.url)));
    const cam = await load(bytes, { scoringPrecision: 'int8' });
    const options = { method: 'rise', params: { n: 4 }, layer: cam.layers()[0]!.name } as const;
    const result = (await cam.explain(CAT, options)) as Explanation;
    await cam.dispose();
    expect(result.precision).toBe('fp32');
    expect(result.warnings.join()).toContain('the model is quantised already');
  });

  it('is ignored with a warning in half precision', async () => {
    const cam = await load(vggModel(), { scoringPrecision: 'int8', precision: 'fp16' });
    const result = (await cam.explain(image, { method: 'rise', params: { n: 4 } })) as Explanation;
    await cam.dispose();
    expect(result.precision).toBe('fp16');
    expect(result.warnings.join()).toContain('the model computes in float16');
  });

  it('refuses other values', async () => {
    await expectError(
      () => load(vggModel(), { scoringPrecision: 'int4' as never }),
      'ERR_OPTION_INVALID',
      'scoringPrecision',
    );
  });
});
