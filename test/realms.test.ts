/**
 * Values that were made in another realm, as test runners, `node:vm` and iframes have them: no class of theirs is a class of ours.
 * scripts/try-test-runners.js tries the other way round, the library itself in such a realm.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import type { NoLevel, OneLevel } from '../lib/explain/result-type.ts';
import { computeMap, type Explainer, type ExplainSource, Explanation, load, OnnxCamError } from '../lib/index.ts';
import * as kernels from '../lib/kernels/index.ts';
import * as targets from '../lib/targets/index.ts';
import { expectError } from './helpers/expect-error.ts';
import { residualModel } from './helpers/small-models.ts';

const context = createContext({ URL });
/** Runs in the other realm; `args` are its parameters. */
const there = <T>(code: string, ...args: unknown[]): T => runInContext(`(${code})`, context)(...args);
const floats = (values: Iterable<number>) => there<Float32Array>('v => Float32Array.from(v)', values);
const bytes = (values: Iterable<number>) => there<Uint8Array>('v => Uint8Array.from(v)', values);

const SIZE = 16;
const ramp = (count: number) => Array.from({ length: count }, (_, i) => (i % 97) / 97);
const model = residualModel();

const loaded: Explainer[] = [];
async function open(...args: Parameters<typeof load>): Promise<Explainer> {
  const cam = await load(...args);
  loaded.push(cam);
  return cam;
}
afterAll(() => Promise.all(loaded.map(cam => cam.dispose())));

const cam = await open(model);
const tensor = { type: 'float32' as const, data: Float32Array.from(ramp(3 * SIZE * SIZE)), dims: [1, 3, SIZE, SIZE] };
const own = await cam.explain(tensor, { target: 1 });

it('has arrays that are none of ours', () => {
  expect(floats([1]) instanceof Float32Array).toBe(false);
  expect(there<object>('() => ({})') instanceof Object).toBe(false);
});

describe('load', () => {
  it('takes bytes, options, labels and preprocessing from there', async () => {
    const options = there<object>(
      `() => ({ labels: ['a', 'b', 'c', 'd', 'e'], preprocess: { mean: [0, 0, 0], std: [1, 1, 1], size: [${SIZE}, ${SIZE}] } })`,
    );
    const foreign = await open(bytes(model), options);
    const { target, map } = await foreign.explain(tensor, { target: 'b' });
    expect(target).toMatchObject({ index: 1, label: 'b' });
    expect(map.data).toEqual(own.map.data);
  });

  it('takes labels by index', async () => {
    const foreign = await open(model, { labels: there("() => ({ 0: 'a', 1: 'b', 2: 'c', 3: 'd', 4: 'e' })") });
    expect((await foreign.explain(tensor, { target: 'b' })).target.index).toBe(1);
  });

  it('refuses what is wrong as ever', async () => {
    await expectError(() => load(floats([1]) as unknown as Uint8Array), 'ERR_MODEL_INVALID', /Float32Array/);
  });
});

describe('explain', () => {
  it('takes tensors', async () => {
    const foreign = there<typeof tensor>(
      "v => ({ type: 'float32', data: Float32Array.from(v), dims: [1, 3, 16, 16] })",
      tensor.data,
    );
    const result = await cam.explain(foreign, there<NoLevel<ExplainSource>>('() => ({ target: 1 })'));
    expect(result.map.data).toEqual(own.map.data);
  });

  it('takes batches, methods, layers and targets in arrays', async () => {
    const foreign = there<(typeof tensor)[]>(
      "v => [1, 2].map(() => ({ type: 'float32', data: Float32Array.from(v), dims: [3, 16, 16] }))",
      tensor.data,
    );
    const [[first], [second]] = (await cam.explain(
      foreign,
      there<OneLevel<ExplainSource[]>>(
        "() => ({ methods: ['grad-cam'], target: [1, 2], layer: ['r1', 'r2'], params: {} })",
      ),
    )) as [[Explanation], [Explanation]];
    expect([first.target.index, second.target.index]).toEqual([1, 2]);
  });

  const pixels = ramp(20 * 10 * 3).map(value => Math.round(255 * value));
  const info = { width: 20, height: 10, channels: 3 };

  it.each(['Uint8Array', 'Uint8ClampedArray', 'Uint16Array', 'Int16Array', 'Float32Array', 'Float64Array'])(
    'takes raw pixels in a %s',
    async type => {
      const make = (realm: typeof globalThis) =>
        (realm as unknown as Record<string, Uint8ArrayConstructor>)[type]!.from(pixels);
      const expected = await cam.explain({ data: make(globalThis), info }, { target: 1 });
      const foreign = there<Parameters<typeof cam.explain>[0]>(
        'v => ({ data: v, info: { width: 20, height: 10, channels: 3 } })',
        make(runInContext('globalThis', context)),
      );
      const result = (await cam.explain(foreign, { target: 1 })) as Explanation;
      expect(result.map).toEqual(expected.map);
      expect(await result.overlay()).toEqual(await expected.overlay());
      expect(await result.crop({ box: { x: 1, y: 1, width: 4, height: 4 } })).toMatchObject({ info: { width: 4 } });
    },
  );

  it('takes encoded pictures in Uint8Array and ArrayBuffer, and addresses', async () => {
    const file = await sharp(Buffer.from(pixels), { raw: { ...info, channels: 3 } })
      .png()
      .toBuffer();
    const foreign = bytes(file);
    const expected = await cam.explain(file, { target: 1 });
    expect((await cam.explain(foreign, { target: 1 })).map).toEqual(expected.map);
    expect((await cam.explain(foreign.buffer as ArrayBuffer, { target: 1 })).map).toEqual(expected.map);
    // An address of another class, as jsdom has.
    const { href, protocol, searchParams } = pathToFileURL('assets/pictures/cat.png');
    const address = there<URL>('(...[a]) => ({ ...a })', { href, protocol, searchParams });
    expect((await cam.explain(address, { target: 1 })).map.width).toBeGreaterThan(100);
  });

  it('takes signals', async () => {
    const listeners: (() => void)[] = [];
    const signal = {
      aborted: false,
      reason: undefined,
      addEventListener: (_: string, listener: () => void) => listeners.push(listener),
      removeEventListener: () => {},
    };
    const running = cam.explain(tensor, {
      method: 'rise',
      params: { n: 100_000 },
      signal: signal as unknown as AbortSignal,
    });
    setTimeout(() => {
      signal.aborted = true;
      for (const listener of listeners) listener.call(signal);
    }, 100);
    await expectError(() => running, 'ERR_ABORTED', /aborted/);
    await expectError(() => cam.explain(tensor, { signal: {} as AbortSignal }), 'ERR_OPTION_INVALID', /AbortSignal/);
  });

  it('takes targets with vectors and bytes', () => {
    expect(targets.similarity(floats([3, 4]))).toMatchObject({ to: Float32Array.of(3, 4) });
    expect(targets.similarity(there<Float64Array>('() => Float64Array.of(3, 4)')).to).toEqual(Float32Array.of(3, 4));
    expect(targets.similarity(there<number[]>('() => [3, 4]')).to).toEqual(Float32Array.of(3, 4));
    expect(targets.graph(bytes([1])).kind).toBe('graph');
    const region = there<targets.RegionInput>('() => ({ mask: Uint8Array.of(1, 0), width: 2, height: 1 })');
    expect(targets.segmentation({ classIndex: 0, region }).kind).toBe('segmentation');
    expect(targets.weighted(there('() => [[1, 0.5], [2, 0.5]]')).kind).toBe('weighted');
  });
});

describe('computeMap and kernels', () => {
  const activations = there<kernels.FeatureMaps>(
    'v => ({ data: Float32Array.from(v), dims: [4, 5, 5] })',
    ramp(4 * 5 * 5),
  );

  it('take tensors', async () => {
    for (const method of ['grad-cam', 'eigen-cam', 'layer-cam'])
      expect(await computeMap(method, { activations, gradients: activations })).toMatchObject({ status: 'ok' });
    expect(await computeMap('cam', { activations, weights: floats([1, 2, 3, 4]) })).toMatchObject({ status: 'ok' });
    const scores = floats([1, 2, 3, 4]);
    expect(await computeMap('score-cam', { activations, scores })).toMatchObject({ status: 'ok' });
  });

  it('take maps and pictures', async () => {
    const maps = there<kernels.Maps>('v => ({ data: Float32Array.from(v), dims: [1, 5, 5] })', ramp(25));
    expect(await kernels.normalize(maps, { kind: 'range' })).toMatchObject({ dims: [1, 5, 5] });
    const table = bytes(ramp(768).map(value => 255 * value));
    expect((await kernels.colorize({ data: floats(ramp(25)), width: 5, height: 5 }, table)).length).toBe(75);
    const picture = { data: bytes(ramp(75)), info: { width: 5, height: 5, channels: 3 } };
    expect((await kernels.imageToTensor(picture, { mean: 0, std: 1 })).length).toBe(75);
    expect((await kernels.channelMeans(activations)).length).toBe(4);
  });
});

describe('measure', () => {
  it('takes maps', async () => {
    const map = there<Explanation['map']>(
      `v => ({ data: Float32Array.from(v), width: ${SIZE}, height: ${SIZE} })`,
      own.map.data,
    );
    const foreign = await cam.measure(tensor, { map, metrics: there("() => ['deletion']"), target: 1 });
    const expected = await cam.measure(tensor, { map: own.map, metrics: ['deletion'], target: 1 });
    expect(foreign.deletion!.value).toBe(expected.deletion!.value);
  });

  it('takes explanations of another copy of the package', async () => {
    // What it has in private is seen by its own class alone.
    const made = own;
    class Explanation {
      readonly #made = made;
      constructor() {
        Object.assign(this, made);
      }
      static atInput(explanation: Explanation) {
        return OwnExplanation.atInput(explanation.#made);
      }
    }
    const foreign = new Explanation() as unknown as OwnExplanation;
    const { deletion } = await cam.measure(tensor, { map: foreign, metrics: ['deletion'] });
    expect(deletion!.value).toBe((await cam.measure(tensor, { map: own, metrics: ['deletion'] })).deletion!.value);
  });
});

const OwnExplanation = Explanation;
type OwnExplanation = Explanation;

describe('OnnxCamError', () => {
  it('is one of another copy too', () => {
    const brand = Symbol.for('onnx-cam.error');
    const foreign = there<Error>(
      'brand => Object.assign(new Error("x"), { code: "ERR_RUNTIME", [brand]: true })',
      brand,
    );
    expect(foreign instanceof OnnxCamError).toBe(true);
    class Derived extends OnnxCamError {}
    expect(foreign instanceof Derived).toBe(false);
    expect(new Derived('ERR_RUNTIME', '') instanceof Derived).toBe(true);
    expect(new Derived('ERR_RUNTIME', '') instanceof OnnxCamError).toBe(true);
    for (const other of [new Error('x'), null, undefined, 'x', {}]) expect(other instanceof OnnxCamError).toBe(false);
  });
});

it('no file asks for classes of the language or of Node with instanceof', () => {
  const ownClasses =
    /^(OnnxCamError|DeviceTensor|UnfitFile|LeavesFolder|CsvError|CommanderError|Refusal|HeldFileError|Taken|NoManifest|ChunkHeldError|RemoteFailure)$/;
  const found = readdirSync('lib', { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && file !== join('common', 'kinds.ts'))
    .flatMap(file =>
      [...readFileSync(join('lib', file), 'utf8').matchAll(/instanceof (\w+)|constructor\s*[!=]==?|getPrototypeOf/g)]
        .filter(([, name]) => name === undefined || !ownClasses.test(name))
        .map(([text]) => `${file}: ${text}`),
    )
    // Explainers of another copy have parts that only their own class sees.
    .filter(text => text !== 'explainer.ts: instanceof Explainer');
  expect(found, 'lib/common/kinds.ts has the checks').toEqual([]);
});
