/** Relevance-CAM and LIFT-CAM against captum and against the authors' rules in PyTorch (test/golden/make_relevance.py). */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explainer, load } from '../../lib/index.ts';
import { flat } from '../helpers/explain-models.ts';
import { loadGoldenGraph } from '../helpers/golden-graphs.ts';
import { samplePositions, uniform } from '../helpers/seeded-weights.ts';

const folder = new URL('../golden/relevance/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

interface CaptumCase {
  readonly model: string;
  readonly layer: string;
  readonly method: string;
  readonly target: number;
  readonly dims: readonly number[];
  readonly raw: readonly number[];
}

interface OfficialMaps {
  readonly graph: string;
  readonly input: { readonly dims: readonly number[]; readonly seed: number; readonly scale: number };
  readonly targets: readonly number[];
  readonly layers: readonly {
    readonly tensor: string;
    /** Of the raw maps, [images, h, w]. */
    readonly dims: readonly [number, number, number];
    /** A sample of their values, and the largest. */
    readonly values: readonly number[];
    readonly max: number;
  }[];
}

const size = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);

/** Largest difference in units of the largest expected value. */
const worst = (actual: ArrayLike<number>, expected: readonly number[], scale: number) =>
  expected.reduce((most, value, i) => {
    const gap = Math.abs(actual[i]! - value);
    return Math.max(gap, most);
  }, 0) / scale;

const cases = read('captum.json') as CaptumCase[];

describe.each([...new Set(cases.map(({ model }) => model))])('captum on %s', model => {
  let cam: Explainer;
  beforeAll(async () => {
    cam = await load(readFileSync(new URL(`${model}.onnx`, folder)));
  });
  afterAll(() => cam.dispose());
  const image = { type: 'float32' as const, data: uniform(3, 3 * 16 * 16, 2), dims: [1, 3, 16, 16] };
  const own = cases.filter(one => one.model === model);

  it.each(own.map(one => [one.method, one.layer, one.target, one] as const))(
    '%s at %s for class %i',
    async (method, layer, target, { dims, raw }) => {
      const [result] = flat(await cam.explain(image, { method, layer, target }));
      expect(result!.raw.dims).toEqual(dims);
      expect(worst(result!.raw.data, raw, Math.max(...raw.map(Math.abs)))).toBeLessThan(1e-4);
    },
  );
});

describe('the rules of Relevance-CAM’s authors', () => {
  it.each((read('maps.json') as OfficialMaps[]).map(maps => [maps.graph, maps] as const))(
    'on %s at an early, a middle and the last layer, for another class per image',
    async (graph, { input, targets, layers }) => {
      const bundled = new URL('../../assets/efficientnet-lite0.onnx', import.meta.url);
      const cam = await load(graph === 'efficientnet-lite0' ? bundled : loadGoldenGraph(graph).model);
      try {
        const data = uniform(input.seed, size(input.dims), input.scale);
        const image = { type: 'float32' as const, data, dims: input.dims };
        const options = { method: 'relevance-cam', layer: layers.map(({ tensor }) => tensor), fuse: false };
        const results = flat(await cam.explain(image, { ...options, target: [...targets] }));
        for (const [l, { dims, values, max }] of layers.entries()) {
          const images = targets.map((_, n) => results[n * layers.length + l]!);
          const maps = Float32Array.from(images.flatMap(({ raw }) => [...raw.data]));
          expect(maps).toHaveLength(size(dims));
          const sample = samplePositions(maps.length, values.length).map(position => maps[position]!);
          expect(worst(sample, values, max)).toBeLessThan(3e-4);
        }
      } finally {
        await cam.dispose();
      }
    },
    60_000,
  );
});
