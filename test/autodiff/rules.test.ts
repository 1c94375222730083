import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import { gradientRules } from '../../lib/autodiff/rules/index.ts';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { valueInfo } from '../helpers/model-builder.ts';
import { type Feeds, factsByRunning, graphOf, type NodeSpec, relativeError, runGraph } from './harness.ts';

/** Single operators and small graphs with gradients from PyTorch or central differences (make_autodiff_cases.py). */
interface StoredTensor {
  readonly dims: readonly number[];
  readonly data: readonly number[];
  readonly type?: 'int64' | 'int32' | 'bool';
}

interface StoredCase {
  readonly name: string;
  readonly opset: number;
  readonly nodes: readonly NodeSpec[];
  readonly inputs: Readonly<Record<string, StoredTensor>>;
  readonly constants: Readonly<Record<string, StoredTensor>>;
  readonly score: string;
  readonly seed: StoredTensor;
  readonly gradients: Readonly<Record<string, StoredTensor>>;
  readonly tolerance?: number;
  /** The operator's own result, where the reference is of our own writing. */
  readonly output?: StoredTensor;
  /** Derivative of Σ gradient·direction of the first input. */
  readonly second?: { readonly direction: StoredTensor; readonly product: StoredTensor };
}

/** Largest difference over largest gradient: float32 arithmetic on a few dozen terms. */
const TOLERANCE = 3e-6;

const folder = new URL('../golden/autodiff/', import.meta.url);
const families = readdirSync(folder).filter(name => name.endsWith('.json'));

const toTensor = ({ dims, data, type }: StoredTensor): Tensor => {
  if (type === 'int64') return { type, dims, data: BigInt64Array.from(data, BigInt) };
  if (type === 'int32') return { type, dims, data: Int32Array.from(data) };
  if (type === 'bool') return { type, dims, data: Uint8Array.from(data) };
  return { type: 'float32', dims, data: Float32Array.from(data) };
};

const toTensors = (stored: Readonly<Record<string, StoredTensor>>): Feeds =>
  Object.fromEntries(Object.entries(stored).map(([name, tensor]) => [name, toTensor(tensor)]));

const casesOf = (file: string): readonly StoredCase[] => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));

it('every operator with a rule has a case', () => {
  const operators = new Set(families.flatMap(casesOf).flatMap(({ nodes }) => nodes.map(([op]) => op)));
  // Those that quantise hand gradients on as they are: test/autodiff/precision.test.ts.
  const tested = [...gradientRules.keys()].filter(op => !/quantizelinear/i.test(op));
  expect(tested.filter(op => !operators.has(op))).toEqual([]);
});

describe.each(families)('%s', file => {
  const cases = casesOf(file);

  it.each(cases.map(stored => [stored.name, stored] as const))('%s', async (_, stored) => {
    const feeds = toTensors(stored.inputs);
    const graph = graphOf({
      nodes: stored.nodes,
      inputs: Object.fromEntries(Object.entries(stored.inputs).map(([name, { dims }]) => [name, dims])),
      weights: toTensors(stored.constants),
      opset: stored.opset,
    });
    const facts = await factsByRunning(graph, feeds);
    graph.inputs.push(valueInfo({ name: 'seed', dims: stored.seed.dims }));
    const wrt = Object.keys(stored.gradients);
    const seeds = { [stored.score]: { gradient: 'seed' } };
    const { gradients, facts: known } = differentiate({ graph, facts, seeds, wrt });
    const run: Record<string, Tensor> = { ...feeds, seed: toTensor(stored.seed) };
    const fetches = [...gradients.values()];
    if (stored.output) fetches.push(stored.score);
    let product: string | undefined;
    if (stored.second) {
      const { direction } = stored.second;
      graph.inputs.push(valueInfo({ name: 'direction', dims: direction.dims }));
      run.direction = toTensor(direction);
      const again = { [gradients.get(wrt[0]!)!]: { gradient: 'direction' } };
      product = differentiate({ graph, facts: known, seeds: again, wrt: [wrt[0]!] }).gradients.get(wrt[0]!)!;
      fetches.push(product);
    }
    const outputs = await runGraph(graph, run, fetches);
    if (stored.output) expectClose(outputs[stored.score]!, stored.output, stored.tolerance ?? 10 * TOLERANCE);
    if (product) expectClose(outputs[product]!, stored.second!.product, stored.tolerance ?? 10 * TOLERANCE);
    for (const name of wrt)
      expectClose(outputs[gradients.get(name)!]!, stored.gradients[name]!, stored.tolerance ?? TOLERANCE);
  });
});

function expectClose(actual: Tensor, expected: StoredTensor, tolerance: number): void {
  expect(actual.dims).toEqual(expected.dims);
  expect(relativeError(actual.data as Float32Array, expected.data)).toBeLessThan(tolerance);
}
