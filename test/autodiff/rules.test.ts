import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { valueInfo } from '../helpers/model-builder.ts';
import { type Feeds, factsByRunning, graphOf, type NodeSpec, relativeError, runGraph } from './harness.ts';

/** Single operators and small graphs with gradients from PyTorch or central differences (make_autodiff_cases.py). */
interface StoredTensor {
  readonly dims: readonly number[];
  readonly data: readonly number[];
  readonly type?: 'int64' | 'bool';
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
  /** Relative error of the emitted nodes evaluated in float64. */
  readonly float64Error: number;
  readonly tolerance?: number;
}

/** Largest difference over largest gradient: float32 arithmetic on a few dozen terms. */
const TOLERANCE = 3e-6;

const folder = new URL('../golden/autodiff/', import.meta.url);
const families = readdirSync(folder).filter(name => name.endsWith('.json'));

const toTensor = ({ dims, data, type }: StoredTensor): Tensor => {
  if (type === 'int64') return { type, dims, data: BigInt64Array.from(data, BigInt) };
  if (type === 'bool') return { type, dims, data: Uint8Array.from(data) };
  return { type: 'float32', dims, data: Float32Array.from(data) };
};

const toTensors = (stored: Readonly<Record<string, StoredTensor>>): Feeds =>
  Object.fromEntries(Object.entries(stored).map(([name, tensor]) => [name, toTensor(tensor)]));

describe.each(families)('%s', file => {
  const cases: readonly StoredCase[] = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));

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
    const { gradients } = differentiate({ graph, facts, seeds: { [stored.score]: { gradient: 'seed' } }, wrt });
    const outputs = await runGraph(graph, { ...feeds, seed: toTensor(stored.seed) }, [...gradients.values()]);
    for (const name of wrt) {
      const actual = outputs[gradients.get(name)!]!;
      const expected = stored.gradients[name]!;
      expect(actual.dims).toEqual(expected.dims);
      expect(relativeError(actual.data as Float32Array, expected.data)).toBeLessThan(stored.tolerance ?? TOLERANCE);
    }
    expect(stored.float64Error).toBeLessThan(1e-7);
  });
});
