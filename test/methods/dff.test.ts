/** Deep Feature Factorization as users run it; the factors themselves are tested in test/kernels/factorize.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { computeMap, type Explainer, type Explanation, load } from '../../lib/index.ts';
import { normalize, resize } from '../../lib/kernels/index.ts';
import { probability, topK } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, plainModel, transparentModel } from '../helpers/explain-models.ts';
import { loadGoldenMethods } from '../helpers/golden-methods.ts';

const golden = loadGoldenMethods();
const { data, dims } = golden.inputs.pair.tensor;
const pair = { type: 'float32' as const, data, dims };
const [CAT, ESPRESSO] = golden.inputs.pair.targets as [number, number];
const nth = (n: number) => {
  const size = data.length / 2;
  return { ...pair, data: data.slice(n * size, (n + 1) * size), dims: [1, ...dims.slice(1)] };
};
const one = (result: unknown) => result as Explanation;
const many = (result: unknown) => result as Explanation[];
/** Map t of those in `raw`. */
const conceptOf = ({ raw }: Pick<Explanation, 'raw'>, t: number) =>
  raw.data.slice(t * raw.width * raw.height, (t + 1) * raw.width * raw.height);

let lite: Explainer;
beforeAll(async () => {
  lite = await load(new URL('../../assets/efficientnet-lite0.onnx', import.meta.url));
});
afterAll(() => lite.dispose());

describe('DFF', () => {
  it('shows the concept that adds most to the score, stretched and resized', async () => {
    const result = one(await lite.explain(nth(0), { method: 'dff', target: CAT }));
    expect(result).toMatchObject({ status: 'ok', params: { n: 5 }, runs: { network: 1, tail: 0, saved: 0 } });
    expect(result.raw.dims).toEqual([5, 7, 7]);
    const { shown, contributions } = result.concepts!;
    expect(shown).toEqual([contributions!.indexOf(Math.max(...contributions!))]);
    const maps = { data: conceptOf(result, shown[0]!), dims: [1, 7, 7] } as const;
    const size = { width: 224, height: 224, interpolation: 'bilinear' } as const;
    expectClose(result.map.data, (await resize(await normalize(maps, { kind: 'range' }), size)).data, 1e-6);
    // PGC: another end of the same thing, without its second stretch.
    const pgc = one(await lite.explain(nth(0), { method: 'dff', target: CAT, convention: 'pytorch-grad-cam' }));
    expect([pgc.convention, pgc.warnings]).toEqual(['pytorch-grad-cam', []]);
    expectClose(pgc.map.data, (await resize(await normalize(maps, { kind: 'pgc' }), size)).data, 1e-4);
  });

  it('gives contributions that add up to the score, as far as the concepts explain the activations', async () => {
    const sumOf = async (n: number) => {
      const { concepts, target } = one(await lite.explain(nth(0), { method: 'dff', target: CAT, params: { n } }));
      return concepts!.contributions!.reduce((sum, value) => sum + value, 0) / target.score;
    };
    // With a concept for each position nothing is left but the classifier's bias.
    const [few, all] = [await sumOf(5), await sumOf(49)];
    expect(Math.abs(all - 1)).toBeLessThan(0.05);
    expect(Math.abs(all - 1)).toBeLessThan(Math.abs(few - 1));
  });

  it('gives several targets the same concepts, each its own map', async () => {
    const results = many(await lite.explain(nth(0), { method: 'dff', target: topK(100) }));
    for (const result of results) {
      expect(result.raw.data).toEqual(results[0]!.raw.data);
      const { shown, contributions } = result.concepts!;
      expect(contributions![shown[0]!]).toBe(Math.max(...contributions!));
    }
    expect(new Set(results.map(({ concepts }) => concepts!.shown[0])).size).toBeGreaterThan(1);
    const alone = one(await lite.explain(nth(0), { method: 'dff', target: results[80]!.target.index }));
    expectClose(alone.map.data, results[80]!.map.data, 1e-5);
  });

  it('factorises each image of a batch by itself', async () => {
    const batch = many(await lite.explain(pair, { method: 'dff', target: [CAT, ESPRESSO] }));
    for (const [n, result] of batch.entries()) {
      const alone = one(await lite.explain(nth(n), { method: 'dff', target: [CAT, ESPRESSO][n]! }));
      expectClose(result.raw.data, alone.raw.data, 1e-3 * Math.max(...alone.raw.data));
      expect(result.concepts!.shown).toEqual(alone.concepts!.shown);
    }
  });

  it('shows the strongest concept where the score is not linear in them', async () => {
    const cam = await load(transparentModel());
    const results = [
      one(await cam.explain(noiseImage([1, 3, 4, 4]), { method: 'dff', params: { n: 2 } })),
      one(await lite.explain(nth(0), { method: 'dff', target: probability(CAT) })),
    ];
    await cam.dispose();
    for (const result of results) {
      expect(result.concepts).toEqual({ shown: [0], contributions: null });
      const strengths = Array.from({ length: result.raw.dims[0]! }, (_, t) => Math.hypot(...conceptOf(result, t)));
      expect(strengths).toEqual(strengths.toSorted((a, b) => b - a));
    }
  });

  it('gives the concepts of several layers one after the other', async () => {
    const layer = [golden.layers.middle.tensor, golden.layers.last.tensor];
    const result = one(await lite.explain(nth(0), { method: 'dff', target: CAT, layer, params: { n: 3 } }));
    expect(result.raw.dims).toEqual([6, 14, 14]);
    const [first, second] = await Promise.all(
      layer.map(async own =>
        one(await lite.explain(nth(0), { method: 'dff', target: CAT, layer: own, params: { n: 3 } })),
      ),
    );
    expect(result.raw.data.slice(0, 3 * 196)).toEqual(first!.raw.data);
    expect(result.concepts!.shown).toEqual([first!.concepts!.shown[0], 3 + second!.concepts!.shown[0]!]);
    expect(result.concepts!.contributions).toBeNull();
  });

  it('is computed from tensors: with the row of a classifier for a target, without for the strongest concept', async () => {
    const activations = { data: Float32Array.from([4, 4, 0, 0, 1, 1, 0, 0, 0, 0, 2, 0]), dims: [3, 2, 2] };
    const of = async (weights?: Float32Array) => {
      const result = await computeMap('dff', { activations, weights }, { params: { n: 2 }, seed: 3 });
      return Array.isArray(result) ? result[0]! : result;
    };
    // Channels 0 and 1 speak together, channel 2 alone. From three starts in ten this ends in another stationary point, as it
    // does in scikit-learn.
    const strongest = await of();
    expect(strongest.raw.dims).toEqual([2, 2, 2]);
    expectClose(strongest.raw.data, [Math.hypot(4, 1), Math.hypot(4, 1), 0, 0, 0, 0, 2, 0], 1e-3);
    expectClose(strongest.map.data, [1, 1, 0, 0], 1e-3);
    expectClose((await of(Float32Array.of(0, -1, 3))).map.data, [0, 0, 1, 0], 1e-3);
  });

  it('repeats itself, differs by seed, and takes its own parameters only', async () => {
    const cam = await load(plainModel());
    const of = async (seed?: number) => one(await cam.explain(noiseImage([1, 3, 16, 16]), { method: 'dff', seed })).raw;
    expect((await of()).data).toEqual((await of(0)).data);
    expect((await of(1)).data).not.toEqual((await of()).data);
    const fails = (params: Record<string, number>, ...says: string[]) =>
      expectError(
        () => cam.explain(noiseImage([1, 3, 16, 16]), { method: 'dff', params }),
        'ERR_OPTION_INVALID',
        ...says,
      );
    await fails({ n: 0 }, 'at least 1');
    await fails({ k: 2 }, "'k'");
    const other = one(await cam.explain(noiseImage([1, 3, 16, 16]), { method: 'grad-cam' }));
    expect(other.concepts).toBeNull();
    await cam.dispose();
  });
});

describe('a layer without any place', () => {
  it.each([1, 2, 5])('is reported as such, not drawn from the random start of %i concepts', async n => {
    const flat = {
      data: Float32Array.from({ length: 12 }, (_, i) => [0.5, 1, 2][Math.floor(i / 4)]!),
      dims: [3, 2, 2],
    };
    expect(await computeMap('dff', { activations: flat }, { params: { n } })).toMatchObject({ status: 'constant' });
    const zero = { data: new Float32Array(12), dims: [3, 2, 2] };
    expect(await computeMap('dff', { activations: zero }, { params: { n } })).toMatchObject({ status: 'zero' });
  });
});
