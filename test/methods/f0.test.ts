/**
 * Fixture F0 (docs/methods.md#fixture-f0): every case that pytorch-grad-cam and torchcam gave for the toy models, through
 * computeMap.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ComputedMap, computeMap } from '../../lib/compute-map.ts';
import type { Convention } from '../../lib/methods/definition.ts';
import { METHODS } from '../../lib/methods/registry.ts';
import { expectClose } from '../helpers/expect-close.ts';

interface StoredTensor {
  dims: number[];
  data: number[];
}

interface Case {
  model: 'm2' | 'm3' | 'mg';
  library: Exclude<Convention, 'paper'>;
  method: string;
  target: number;
  params: Record<string, number | boolean>;
  map: StoredTensor;
  raw: StoredTensor;
}

const stored = JSON.parse(readFileSync(new URL('../golden/f0/values.json', import.meta.url), 'utf8')) as {
  models: Record<string, { activations: StoredTensor; gradients: StoredTensor[] }>;
  cases: Case[];
};
/** Classifier of MG. */
const CLASSIFIER = [
  [0.5, -0.4],
  [-0.2, 0.6],
];
/** A principal direction has no sign. */
const EITHER_SIGN = new Set(['eigen-cam', 'eigen-grad-cam']);
const needsRuns = new Set(METHODS.filter(({ needs }) => 'scores' in needs).map(({ name }) => name));
const tensor = ({ dims, data }: StoredTensor) => ({ dims, data: Float32Array.from(data) });

const cases = stored.cases.filter(({ method }) => !needsRuns.has(method));

describe.each([...new Set(cases.map(({ method }) => method))])('%s', method => {
  it.each(
    cases
      .filter(one => one.method === method)
      .map(one => [`${one.library} ${one.model} class ${one.target} ${JSON.stringify(one.params)}`, one] as const),
  )('%s', async (_, one) => {
    const { activations, gradients } = stored.models[one.model]!;
    const tensors = {
      activations: tensor(activations),
      gradients: tensor(gradients[one.target]!),
      weights: Float32Array.from(CLASSIFIER[one.target] ?? [0, 0]),
    };
    const compute = (params: Record<string, unknown>) =>
      computeMap(method, tensors, {
        convention: one.library,
        params,
        size: one.map.dims.slice(-2).reverse() as [number, number],
      }) as Promise<ComputedMap>;
    const { map, raw } = await compute(one.params);
    const flips = EITHER_SIGN.has(method) || one.params.eigenSmooth === true;
    if (!flips) {
      expectClose(raw.data, one.raw.data, 1e-5);
      expectClose(map.data, one.map.data, 1e-5);
      return;
    }
    const sign = dot(raw.data, one.raw.data) < 0 ? -1 : 1;
    expectClose(
      raw.data,
      one.raw.data.map(value => sign * value),
      1e-5,
    );
    if (sign > 0) expectClose(map.data, one.map.data, 1e-5);
  });
});

/** Raw maps of model M2, class 0, in the paper's convention, worked by hand. */
const WORKED: readonly [method: string, params: Record<string, unknown>, raw: readonly number[]][] = [
  ['grad-cam', {}, [0.55, 0.3, 0.6, 0.6]],
  ['hirescam', {}, [0.55, 1.8, 0.3, 1.2]],
  ['xgrad-cam', {}, [1.075, 0.9, 0.9375, 0.9375]],
  ['layer-cam', {}, [1, 1.8, 0.3, 1.2]],
  ['activation-mean', {}, [1.75, 1.5, 1.5, 1.5]],
  ['fem', { k: 0.5 }, [1.375, 0.75, 1.5, 1.5]],
];

it.each(WORKED)('%s %j is what the formula gives by hand', async (method, params, expected) => {
  const { activations, gradients } = stored.models.m2!;
  const tensors = { activations: tensor(activations), gradients: tensor(gradients[0]!) };
  const { raw } = (await computeMap(method, tensors, { params })) as ComputedMap;
  expectClose(raw.data, expected, 1e-5);
});

it('pins at least the methods and libraries of the foundation', () => {
  expect(cases.length).toBeGreaterThanOrEqual(130);
});

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
}
