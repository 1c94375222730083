import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { float32Tensor } from '../../lib/engine/tensor.ts';
import { type Factors, type FeatureMaps, factorize, kernelThreads, setKernelThreads } from '../../lib/kernels/index.ts';
import { serializeModel } from '../../lib/model/file/serialize-model.ts';
import { expose } from '../../lib/model/graph/expose.ts';
import { loadModel } from '../../lib/model/load-model.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { type GoldenLayer, loadGoldenMethods } from '../helpers/golden-methods.ts';
import { uniform } from '../helpers/seeded-weights.ts';
import { expectClose, features } from './data.ts';

interface Case {
  /** Channels, positions, rank and noise of data made from seeds. */
  readonly parts?: readonly [number, number, number, number];
  /** A layer of the bundled model. */
  readonly layer?: 'last' | 'middle' | 'signed';
  readonly components: number;
  readonly shift: boolean;
  /** |V − WH| / |V| of scikit-learn for five seeds. */
  readonly errors: readonly number[];
}
const { cases } = JSON.parse(readFileSync(new URL('../golden/dff.json', import.meta.url), 'utf8')) as { cases: Case[] };

/** As make_dff.py makes them. */
function madeParts([channels, positions, rank, noise]: readonly [number, number, number, number]): FeatureMaps {
  const w = uniform(1, channels * rank, 1, -0.2).map(value => Math.max(value, 0));
  const h = uniform(2, rank * positions, 1, -0.2).map(value => Math.max(value, 0));
  const data = uniform(3, channels * positions, noise).map((value, index) => {
    let sum = 0;
    for (let r = 0; r < rank; r++)
      sum += w[Math.floor(index / positions) * rank + r]! * h[r * positions + (index % positions)]!;
    return sum + value;
  });
  return { data, dims: [1, channels, 1, positions] };
}

/** What the kernel factorises. */
function shifted({ data, dims }: FeatureMaps, offsets: Float32Array, shift: boolean): Float64Array {
  const positions = data.length / dims[1]!;
  return Float64Array.from(data, (value, i) =>
    shift ? value - offsets[Math.floor(i / positions)]! : Math.max(value, 0),
  );
}

function relativeError(activations: FeatureMaps, { maps, concepts, offsets }: Factors, shift: boolean): number {
  const [, channels] = activations.dims as [number, number];
  const components = maps.dims[1]!;
  const positions = maps.data.length / components;
  const v = shifted(activations, offsets, shift);
  let [error, norm] = [0, 0];
  v.forEach((value, i) => {
    let sum = 0;
    for (let t = 0; t < components; t++)
      sum += concepts[t * channels + Math.floor(i / positions)]! * maps.data[t * positions + (i % positions)]!;
    error += (value - sum) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(error / norm);
}

describe('factorize against scikit-learn', () => {
  const layers = {} as Record<GoldenLayer, FeatureMaps>;
  beforeAll(async () => {
    const golden = loadGoldenMethods();
    const { data, dims } = golden.inputs.pair.tensor;
    const image = { data: data.slice(0, data.length / dims[0]!), dims: [1, ...dims.slice(1)] };
    const { graph, input } = await loadModel(new URL('../../assets/efficientnet-lite0.onnx', import.meta.url), {
      createSession: (bytes, options) => Session.create(bytes, options),
    });
    const names = (['last', 'middle', 'signed'] as const).map(
      layer => [layer, expose(graph, golden.layers[layer].tensor)] as const,
    );
    const { model, externalFiles } = serializeModel(graph);
    const session = await Session.create(model, { externalFiles });
    const outputs = await session.run(
      { [input.name]: float32Tensor(image.data, image.dims) },
      names.map(([, name]) => name),
    );
    for (const [layer, name] of names) layers[layer] = outputs[name] as FeatureMaps;
    await session.dispose();
  });

  it.each(cases.map(one => [`${one.layer ?? one.parts} n ${one.components} shift ${one.shift}`, one] as const))(
    'explains as much of %s',
    async (_, { parts, layer, components, shift, errors }) => {
      const activations = layer ? layers[layer] : madeParts(parts!);
      for (const seed of [0, 1]) {
        const error = relativeError(activations, await factorize(activations, { components, shift, seed }), shift);
        expect(error).toBeLessThanOrEqual(1.01 * Math.max(...errors));
        expect(error).toBeGreaterThanOrEqual(0.95 * Math.min(...errors));
      }
    },
  );
});

describe('factorize', () => {
  const threads = kernelThreads();
  afterAll(() => setKernelThreads(threads));
  const seed = 3;

  it.each([
    [1, 1, 1, 1],
    [2, 3, 5, 7],
    [1, 17, 13, 9],
    [3, 33, 1, 1],
    [2, 130, 4, 4],
  ])('is its twin on [%i, %i, %i, %i]', async (...dims) => {
    const activations = features(dims, 1);
    for (const shift of [false, true])
      for (const components of [1, 4]) {
        const options = { components, shift, seed };
        const [native, twin] = [await factorize(activations, options), reference.factorize(activations, options)];
        expect(native.maps.dims).toEqual([dims[0], components, dims[2], dims[3]]);
        expectClose(native.maps.data, twin.maps.data, 1e-4);
        expectClose(native.concepts, twin.concepts, 1e-4);
        expectClose(native.offsets, twin.offsets, 1e-6);
      }
  });

  it('recovers data of rank 1', async () => {
    const [concept, map] = [features([37], 4, true).data, features([48], 5, true).data];
    const data = Float32Array.from({ length: 37 * 48 }, (_, i) => concept[Math.floor(i / 48)]! * map[i % 48]!);
    const norm = Math.hypot(...concept);
    const factors = await factorize({ data, dims: [37, 6, 8] }, { components: 1, shift: false, seed });
    expectClose(
      factors.concepts,
      concept.map(value => value / norm),
      1e-6,
    );
    expectClose(
      factors.maps.data,
      map.map(value => value * norm),
      1e-6,
    );
    const several = await factorize({ data, dims: [37, 6, 8] }, { components: 3, shift: false, seed });
    expect(relativeError({ data, dims: [1, 37, 6, 8] }, several, false)).toBeLessThan(1e-3);
  });

  it('gives factors that are not negative, concepts of length 1, the strongest first', async () => {
    const { maps, concepts } = await factorize(features([1, 60, 9, 11], 6), { components: 5, shift: true, seed });
    expect(maps.data.every(value => value >= 0) && concepts.every(value => value >= 0)).toBe(true);
    const strengths = [0, 1, 2, 3, 4].map(t => Math.hypot(...maps.data.subarray(t * 99, (t + 1) * 99)));
    expect(strengths).toEqual(strengths.toSorted((a, b) => b - a));
    for (let t = 0; t < 5; t++) expect(Math.hypot(...concepts.subarray(t * 60, (t + 1) * 60))).toBeCloseTo(1, 5);
  });

  it('gives the same for every number of threads, and each image of a batch what it gets alone', async () => {
    const batch = features([2, 300, 14, 14], 7);
    const size = batch.data.length / 2;
    const options = { components: 5, shift: false, seed };
    const together = await factorize(batch, options);
    for (const count of [1, 2, 3]) {
      setKernelThreads(count);
      for (const n of [0, 1]) {
        const image = { data: batch.data.slice(n * size, (n + 1) * size), dims: [1, 300, 14, 14] };
        const { maps } = await factorize(image, options);
        expect(maps.data).toEqual(together.maps.data.slice(n * 980, (n + 1) * 980));
      }
    }
  });

  it('gives zeros for zeros, and NaN for an image with a value that is not finite', async () => {
    const data = new Float32Array(2 * 4 * 9);
    data[40] = Number.NaN;
    const { maps, concepts } = await factorize({ data, dims: [2, 4, 3, 3] }, { components: 2, shift: true, seed });
    expect(maps.data.slice(0, 18).every(value => value === 0)).toBe(true);
    expect(concepts.slice(0, 8).every(value => value === 0)).toBe(true);
    expect(maps.data.slice(18).every(Number.isNaN)).toBe(true);
  });

  it('refuses what makes no sense', async () => {
    const activations = features([1, 2, 3, 3], 8);
    for (const components of [0, 1.5, Number.NaN])
      await expectError(
        () => factorize(activations, { components, shift: true, seed }),
        'ERR_OPTION_INVALID',
        'components',
      );
  });
});
