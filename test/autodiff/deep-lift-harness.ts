import { expect } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import { appendReference } from '../../lib/autodiff/reference.ts';
import { deepLiftPatterns, deepLiftRules } from '../../lib/autodiff/rulesets/deep-lift.ts';
import { makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { noise, type WeightSpec } from '../helpers/model-builder.ts';
import { factsByRunning, float32, graphOf, type NodeSpec, pseudoRandom, runGraph } from './harness.ts';

/**
 * From a [2,4,6,6] and p = a + 0.3 to r, whose first axis is the batch: contributions of a add up to what Σ cos(r) changes by.
 * Every element counts differently.
 */
export async function expectConserved(
  nodes: readonly NodeSpec[],
  weights: Readonly<Record<string, WeightSpec>> = {},
  opset = 17,
): Promise<void> {
  const graph = graphOf({
    nodes: [
      ['Tanh', ['x'], ['a']],
      ['Add', ['a', 'offset'], ['p']],
      ...nodes,
      ['Flatten', ['r'], ['f']],
      ['Cos', ['f'], ['c']],
      ['ReduceSum', ['c', 'one'], ['y'], { keepdims: 1 }],
    ],
    inputs: { x: ['N', 4, 6, 6] },
    weights: {
      offset: noise([1, 4, 6, 6], 2, 0.3),
      low: { dims: [], data: Float32Array.of(-0.4) },
      high: { dims: [], data: Float32Array.of(0.5) },
      three: { dims: [], data: Float32Array.of(3) },
      gain: noise([6], 3),
      shift: noise([6], 4),
      one: { dims: [1], type: 'int64', data: [1] },
      ...weights,
    },
    opset,
  });
  const original = graph.clone();
  const x = pseudoRandom([2, 4, 6, 6], 4);
  const facts = await factsByRunning(graph, { x }, { x: pseudoRandom([3, 4, 6, 6], 5) });
  graph.inputs.push(makeValueInfo('seed', 'float32', ['N', 1]));
  const reference = appendReference(graph, facts, 'a', ['y']);
  const { gradients } = differentiate({
    graph,
    facts: new Map(reference.facts).set('seed', { type: 'float32', dims: [-1, 1] }),
    seeds: { y: { gradient: 'seed' } },
    wrt: ['a'],
    rules: deepLiftRules(reference),
    patterns: deepLiftPatterns(reference),
  });
  const name = gradients.get('a')!;
  const run = await runGraph(graph, { x, seed: float32([2, 1], [1, -2]) }, [name, 'a', 'y']);
  const zero = await runGraph(original, { x: float32(x.dims, new Float32Array(x.data.length)) }, ['y']);
  const [m, a, y, y0] = [run[name], run.a, run.y, zero.y].map(tensor => tensor!.data as Float32Array) as Float32Array[];
  const size = a!.length / 2;
  for (const [n, weight] of [1, -2].entries()) {
    let sum = 0;
    for (let i = n * size; i < (n + 1) * size; i++) sum += m![i]! * a![i]!;
    const expected = weight * (y![n]! - y0![n]!);
    expect(Math.abs(expected)).toBeGreaterThan(1e-3);
    expect(Math.abs(sum - expected)).toBeLessThan(2e-4 * Math.max(1, Math.abs(expected)));
  }
}
