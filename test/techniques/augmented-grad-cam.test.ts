/** Augmented Grad-CAM through the door: on M2 against its own parts, and on the bundled network. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../lib/common/random.ts';
import { type Explainer, load } from '../../lib/index.ts';
import { type Mapping, rotation, translation } from '../../lib/kernels/warp.ts';
import { augmentedMap, resize, warp } from '../../lib/reference/kernels/index.ts';
import { topK } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage } from '../helpers/explain-models.ts';
import { f0Model } from '../helpers/f0.ts';
import { M2_INPUT } from '../helpers/fixture-network.ts';
import { tensorFlowModel } from '../helpers/small-models.ts';

const X = { type: 'float32' as const, data: M2_INPUT, dims: [1, 1, 4, 4] };
const SIZE = { planes: 1, height: 4, width: 4 };
const N = 6;
/** Of a mean of .25 and a deviation of .5. */
const BLACK = Float32Array.of(-0.5);

let m2: Explainer;
beforeAll(async () => {
  m2 = await load(f0Model('m2'), { preprocess: { mean: 0.25, std: 0.5 } });
});
afterAll(() => m2.dispose());

/** Turned, then moved; as the technique draws them, in this order. */
function mappings(seed: number): Mapping[][] {
  const random = new Random(seed);
  return Array.from({ length: N }, (_, i) => {
    const [angle, x, y] = [0.5, (4 * 30) / 224, (4 * 30) / 224].map(most =>
      i === 0 ? 0 : most * (2 * random.uniform() - 1),
    ) as [number, number, number];
    return [rotation(angle, SIZE), translation(x, y)];
  });
}

/** The raw maps [2, 2] of the method on each turned picture. */
async function observedMaps(seed: number, options: object): Promise<Float32Array[]> {
  const maps: Float32Array[] = [];
  for (const own of mappings(seed)) {
    let data: Float32Array = Float32Array.from(M2_INPUT);
    for (const mapping of own) data = warp(data, SIZE, [mapping], { fill: BLACK });
    maps.push((await m2.explain({ ...X, data }, { target: 0, ...options })).raw.data);
  }
  return maps;
}

const positive = (map: Float32Array) => map.map(value => Math.max(0, value));

function overLargest(map: Float32Array): Float32Array {
  const most = Math.max(...map);
  return most === 0 ? map : map.map(value => value / most);
}

const technique = (params: object = {}) => ({ name: 'augmented-grad-cam', params: { n: N, ...params } });

describe('augmented-grad-cam', () => {
  it.each(['grad-cam', 'layercam', 'score-cam'])(
    'finds the map that explains those of all copies: %s',
    async method => {
      const maps = (await observedMaps(7, { method, seed: 7 })).map(map => overLargest(positive(map)));
      const options = { ...SIZE, mappings: mappings(7), totalVariation: 0.002 * N, energy: 0.0001 * N, iterations: 40 };
      const data = Float32Array.from(maps.flatMap(map => [...map]));
      const expected = augmentedMap({ data, dims: [N, 2, 2] }, options);
      const result = await m2.explain(X, { method, target: 0, seed: 7, technique: technique({ iterations: 40 }) });
      expect(result.raw.data.length).toBe(16);
      expectClose(result.raw.data, expected.data, 2e-5);
      expect(result.technique).toMatchObject({ name: 'augmented-grad-cam', params: { n: N, fuse: 'optimize' } });
    },
  );

  it.each(['max', 'mean'] as const)('or turns the maps back: %s', async fuse => {
    const maps = (await observedMaps(3, { method: 'grad-cam' })).map(positive);
    const back = maps.map((map, i) => {
      const { data } = resize({ data: map, dims: [1, 2, 2] }, { height: 4, width: 4, interpolation: 'bilinear' });
      const [turn, move] = mappings(3)[i]! as [Mapping, Mapping];
      const moved = warp(data, SIZE, [[1, 0, -move[2], 0, 1, -move[5]]]);
      return warp(moved, SIZE, [rotation(Math.asin(-turn[3]), SIZE)]);
    });
    const expected = Float32Array.from({ length: 16 }, (_, p) => {
      const values = back.map(map => map[p]!);
      return fuse === 'max' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0) / N;
    });
    const result = await m2.explain(X, { method: 'grad-cam', target: 0, seed: 3, technique: technique({ fuse }) });
    expectClose(result.raw.data, expected, 1e-5);
  });

  it('is seeded, counts its runs, and leaves the clean picture first', async () => {
    const one = await m2.explain(X, { method: 'grad-cam', target: 0, technique: technique({ n: 1, fuse: 'mean' }) });
    const plain = await m2.explain(X, { method: 'grad-cam', target: 0 });
    const { data } = resize(
      { data: positive(plain.raw.data), dims: [1, 2, 2] },
      { height: 4, width: 4, interpolation: 'bilinear' },
    );
    expectClose(one.raw.data, data, 1e-6);
    expect(one.runs.network).toBe(plain.runs.network);
    const call = (seed: number) => m2.explain(X, { method: 'grad-cam', target: 0, seed, technique: technique() });
    const [a, b, c] = await Promise.all([call(1), call(1), call(2)]);
    expect(a.raw.data).toEqual(b.raw.data);
    expect(a.raw.data).not.toEqual(c.raw.data);
    expect(a.runs.network).toBe(N * plain.runs.network);
  });

  it('explains several targets, methods and conventions at once', async () => {
    const options = { methods: ['grad-cam', 'eigen-cam'], target: topK(3), technique: technique() };
    const all = flat(await m2.explain(X, options));
    expect(all.length).toBe(6);
    for (const { method, target, raw } of all) {
      const alone = await m2.explain(X, { method, target: target.index!, technique: technique() });
      expectClose(raw.data, alone.raw.data, 1e-6);
    }
    for (const convention of ['paper', 'pytorch-grad-cam', 'torchcam'] as const) {
      const { map } = await m2.explain(X, { method: 'grad-cam', target: 0, convention, technique: technique() });
      expect(map.data.every(Number.isFinite)).toBe(true);
      expect(Math.max(...map.data)).toBeCloseTo(1, 3);
    }
  });

  it('turns inputs whose channels are last as those whose channels are first', async () => {
    const cam = await load(tensorFlowModel());
    const shape = { planes: 1, height: 16, width: 16, inner: 3 };
    const { data } = noiseImage([1, 16, 16, 3], 4);
    const explain = (values: Float32Array, params?: object) =>
      cam.explain(
        { type: 'float32', data: values, dims: [1, 16, 16, 3] },
        { method: 'grad-cam', target: 2, seed: 5, technique: params && technique(params) },
      );
    const { raw } = await explain(data, { n: 2, fuse: 'max' });
    const random = new Random(5);
    const [angle, x, y] = [0.5, (16 * 30) / 224, (16 * 30) / 224].map(most => most * (2 * random.uniform() - 1)) as [
      number,
      number,
      number,
    ];
    // Without black in the options the network's own is ImageNet's.
    const fill = Float32Array.of(-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225);
    const turned = warp(warp(data, shape, [rotation(angle, shape)], { fill }), shape, [translation(x, y)], { fill });
    const large = async (values: Float32Array) => {
      const { data: map, width, height } = (await explain(values)).raw;
      const maps = { data: positive(map), dims: [1, height, width] as const };
      return resize(maps, { height: 16, width: 16, interpolation: 'bilinear' }).data;
    };
    const plane = { planes: 1, height: 16, width: 16 };
    const moved = warp(await large(turned), plane, [translation(-x, -y)]);
    const back = warp(moved, plane, [rotation(-angle, plane)]);
    const clean = await large(data);
    const expected = clean.map((value, i) => Math.max(value, back[i]!));
    expectClose(raw.data, expected, 1e-5 * Math.max(...expected));
    await cam.dispose();
  });

  it('refuses unknown values, and is aborted', async () => {
    for (const params of [{ n: 0 }, { iterations: 0 }, { fuse: 'median' }, { shift: 3 }])
      await expectError(
        () => m2.explain(X, { technique: { name: 'augmented-grad-cam', params } }),
        'ERR_OPTION_INVALID',
      );
    const signal = AbortSignal.timeout(50);
    const endless = technique({ n: 10000, iterations: 100000 });
    await expectError(() => m2.explain(X, { target: 0, signal, technique: endless }), 'ERR_ABORTED');
  });
});
