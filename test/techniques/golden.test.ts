/**
 * Techniques, eigen smoothing and layers that become one, on the bundled model and stored pictures: pytorch-grad-cam, torchcam and
 * captum, and plain re-statements where no tool can be run (test/golden/make_techniques.py). A technique more is a record more there.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Convention, type Explainer, type Explanation, type Fusion, load } from '../../lib/index.ts';
import { TECHNIQUES } from '../../lib/techniques/registry.ts';
import { anySizeModel } from '../helpers/any-size-model.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { type GoldenLayer, loadGoldenMethods } from '../helpers/golden-methods.ts';

type Params = Readonly<Record<string, number | boolean | string | readonly number[]>>;

interface GoldenMap {
  readonly input: 'cat' | 'wide';
  readonly layer: GoldenLayer | readonly GoldenLayer[];
  readonly method: string;
  readonly convention: Convention;
  readonly source: 'pytorch-grad-cam' | 'torchcam' | 're-statement';
  readonly technique?: { readonly name: string; readonly params: Params };
  readonly fusion?: Fusion;
  readonly eigenSmooth?: true;
  /** Where it is not the class of the input. */
  readonly target?: 'top1';
  /** The values are those of `raw`. */
  readonly raw?: true;
  readonly size: 'input' | 'layer';
  /** Every how many rows and columns a value is stored, from the first on. */
  readonly step: number;
  readonly dims: readonly [height: number, width: number];
  readonly values: readonly number[];
}

/** captum's raw maps over repeats of `n` noisy copies: their mean, and the deviation of one of them. */
interface GoldenMoments {
  readonly input: 'wide';
  readonly layer: GoldenLayer;
  readonly mode: 'mean' | 'square' | 'variance';
  readonly n: number;
  /** Share of the input's range. */
  readonly sigma: number;
  readonly repeats: number;
  readonly mean: readonly number[];
  readonly sd: readonly number[];
}

interface Golden {
  readonly targets: Readonly<Record<GoldenMap['input'], number>>;
  readonly cases: readonly GoldenMap[];
  readonly moments: readonly GoldenMoments[];
}

const file = new URL('../golden/techniques.json', import.meta.url);
const { targets, cases, moments } = JSON.parse(readFileSync(file, 'utf8')) as Golden;
const { inputs, layers } = loadGoldenMethods();

/** Two float32 engines; what is enlarged or added up over windows keeps within it. */
const TOLERANCE = 1e-4;
/** Components of two float32 engines (docs/methods.md#comparing-with-other-tools). */
const EIGEN = 1e-3;

/** At one window a clamp before the last layer flips between float32 engines (PyTorch's own float32 and float64: 2.6e-3). */
const FLIPPING = 5e-3;

function toleranceOf({ technique, layer, eigenSmooth }: GoldenMap): number {
  if (technique?.name === 'sess' && layer !== 'last') return FLIPPING;
  return eigenSmooth ? EIGEN : TOLERANCE;
}

let cam: Explainer;
beforeAll(async () => {
  cam = await load(anySizeModel());
});
afterAll(() => cam.dispose());

function tensorOf(name: GoldenMap['input']) {
  const { dims, data } = inputs[name === 'cat' ? 'pair' : 'wide'].tensor;
  const one = [1, ...dims.slice(1)];
  return {
    type: 'float32' as const,
    data: data.slice(
      0,
      one.reduce((a, b) => a * b),
    ),
    dims: one,
  };
}

const tensorName = (layer: GoldenMap['layer']) =>
  typeof layer === 'string' ? layers[layer].tensor : layer.map(name => layers[name].tensor);

async function explained({ input, layer, method, convention, technique, fusion, eigenSmooth, ...one }: GoldenMap) {
  return (await cam.explain(tensorOf(input), {
    method,
    convention,
    layer: tensorName(layer),
    target: one.target ?? targets[input],
    mapSize: one.size,
    ...(technique && { technique }),
    ...(fusion && { fusion }),
    ...(eigenSmooth && { params: { eigenSmooth } }),
  })) as Explanation;
}

function thinned({ data, width }: { data: Float32Array; width: number }, { dims: [h, w], step }: GoldenMap): number[] {
  return Array.from({ length: h * w }, (_, i) => data[Math.floor(i / w) * step * width + (i % w) * step]!);
}

const title = ({ source, technique, fusion, layer, method, convention, eigenSmooth }: GoldenMap) =>
  `${source}: ${technique ? JSON.stringify(technique.params) : (fusion ?? 'alone')} ${eigenSmooth ? 'eigenSmooth ' : ''}${method} at ${layer}, ${convention}`;

describe.each([...new Set(cases.map(({ technique }) => technique?.name ?? 'no technique'))])('%s', name => {
  const own = cases.filter(({ technique }) => (technique?.name ?? 'no technique') === name);
  it.each(own.map(one => [title(one), one] as const))('%s', async (_, one) => {
    const result = await explained(one);
    expect(result.status).toBe('ok');
    const known = /cameras averages|alone makes/;
    expect(result.warnings.filter(text => !known.test(text))).toEqual([]);
    expectClose(thinned(one.raw ? result.raw : result.map, one), one.values, toleranceOf(one));
  });
});

describe('captum, over many draws', () => {
  const SEEDS = 16;
  it.each(moments.map(one => [one.mode, one] as const))('%s', async (mode, { input, layer, n, sigma, ...golden }) => {
    const sums = new Float64Array(golden.mean.length);
    for (let seed = 0; seed < SEEDS; seed++) {
      const technique = { name: 'smooth-grad', params: { n, sigma, mode } };
      const options = { layer: tensorName(layer), target: targets[input], technique, seed };
      const { raw } = (await cam.explain(tensorOf(input), options)) as Explanation;
      for (const [i, value] of raw.data.entries()) sums[i]! += value / SEEDS;
    }
    const z = [...sums].map(
      (mean, i) => (mean - golden.mean[i]!) / (golden.sd[i]! * Math.sqrt(1 / SEEDS + 1 / golden.repeats)),
    );
    expect(Math.max(...z.map(Math.abs))).toBeLessThan(4);
    // Together they are no further off than chance has it.
    expect(z.reduce((sum, value) => sum + value * value, 0) / z.length).toBeLessThan(2);
  });
});

it('has values of every technique but the one that is optimised', () => {
  const stored = new Set(cases.flatMap(({ technique }) => (technique ? [technique.name] : [])));
  const known = TECHNIQUES.map(({ name }) => name).filter(
    name => name !== 'smooth-grad' && name !== 'augmented-grad-cam',
  );
  expect(known.filter(name => !stored.has(name))).toEqual([]);
});
