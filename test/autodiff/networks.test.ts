import { describe, expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import { appendClassSeed } from '../../lib/autodiff/seed.ts';
import { serializeModel } from '../../lib/model/file/serialize-model.ts';
import { expose } from '../../lib/model/graph/expose.ts';
import { loadModel } from '../../lib/model/load-model.ts';
import { type GoldenGradient, goldenGraphLabels, loadGoldenGraph } from '../helpers/golden-graphs.ts';
import { createOrtSession } from '../helpers/ort-session.ts';
import { float32, relativeError } from './harness.ts';

/** Below this distance to a kink (in float32 errors) two engines may take different sides of it. */
const SAFE_MARGIN = 2;

const DEPTHS = ['last', 'middle', 'input'] as const;

function relativeL2(actual: ArrayLike<number>, expected: readonly number[]): number {
  let [difference, norm] = [0, 0];
  for (const [index, value] of expected.entries()) {
    difference += (actual[index]! - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}

function check(depth: (typeof DEPTHS)[number], gradient: Float32Array, golden: GoldenGradient): void {
  const sample = golden.positions.map(position => gradient[position]!);
  const safe = golden.margin === null || golden.margin >= SAFE_MARGIN;
  if (safe) {
    const limit = depth === 'last' ? 1e-5 : 1e-4;
    // The sampled values against the largest one of the whole gradient.
    expect(relativeError([...sample, golden.max], [...golden.values, golden.max])).toBeLessThan(limit);
  } else {
    // A flipped ReLU or pool changes single paths: as far from float64 as PyTorch's own float32 is, or a few times that.
    expect(relativeL2(sample, golden.values)).toBeLessThan(Math.max(5 * golden.gap, 0.02));
  }
  const norm = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
  expect(norm / golden.l2).toBeGreaterThan(safe ? 0.9999 : 0.98);
  expect(norm / golden.l2).toBeLessThan(safe ? 1.0001 : 1.02);
}

describe.each(goldenGraphLabels())('%s', label => {
  it('has the gradients that PyTorch has, for another class per image', async () => {
    const golden = loadGoldenGraph(label);
    const { graph: original, facts, logits } = await loadModel(golden.model, { createSession: createOrtSession });
    const graph = original.clone();
    const seed = appendClassSeed(graph, facts, logits.tensor);
    const wrt = DEPTHS.map(depth => golden.gradients[depth].tensor);
    const result = differentiate({ graph, facts: seed.facts, seeds: { [logits.tensor]: { index: seed.index } }, wrt });
    graph.outputs.length = 0;
    const outputs = wrt.map(tensor => expose(graph, result.gradients.get(tensor)!, result.facts));
    const { model, externalFiles } = serializeModel(graph);
    const session = await createOrtSession(model, { externalFiles, graphOptimizationLevel: 'all' });
    const values = await session.run(
      {
        [golden.input.name]: float32(golden.input.dims, golden.input.data),
        ...seed.feeds(golden.targets),
      },
      outputs,
    );
    await session.dispose();
    for (const [index, depth] of DEPTHS.entries()) {
      const actual = values[outputs[index]!]!;
      expect(actual.dims).toEqual(golden.gradients[depth].dims);
      check(depth, actual.data as Float32Array, golden.gradients[depth]);
    }
  });
});
