import { describe, expect, it } from 'vitest';
import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { logProbability, probability } from '../../lib/targets/index.ts';
import { image, network } from '../helpers/choice-networks.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { one } from '../helpers/explain-models.ts';
import { noise, type WeightSpec } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { createOrtSession } from '../helpers/ort-session.ts';

const open = explainerOpener();
const weights: Record<string, WeightSpec> = {
  w2: noise([6, 8], 5),
  w1: noise([1, 8], 6),
  half: { dims: [], data: [0.5] },
  one: { dims: [1], data: [1] },
  hundred: { dims: [], data: [100] },
  low: { dims: [], data: [0] },
  high: { dims: [], data: [1] },
};
const second = [makeNode('Gemm', ['v', 'w2'], ['z2'], { transB: 1 })];
const single = [makeNode('Gemm', ['v', 'w1'], ['z1'], { transB: 1 }), makeNode('Sigmoid', ['z1'], ['q'])];
const softmax = [makeNode('Softmax', ['z'], ['pp'])];
const model = (nodes: readonly GraphNode[]) => network(nodes, { outputs: [{ name: 'y' }], weights });

/** The output's own values. */
async function valuesOf(bytes: Uint8Array): Promise<number[]> {
  const session = await createOrtSession(bytes);
  const { y } = await session.run({ x: image }, ['y']);
  await session.dispose();
  return Array.from(y!.data as Float32Array);
}

describe('probabilities are not taken for logits', () => {
  it.each<[string, GraphNode[]]>([
    [
      'the mean of two networks',
      [
        ...second,
        ...softmax,
        makeNode('Softmax', ['z2'], ['p2']),
        makeNode('Add', ['pp', 'p2'], ['sum']),
        makeNode('Mul', ['sum', 'half'], ['y']),
      ],
    ],
    [
      '1 − p beside p',
      [...single, makeNode('Sub', ['one', 'q'], ['rest']), makeNode('Concat', ['rest', 'q'], ['y'], { axis: 1 })],
    ],
    [
      'heads of one class each, joined',
      [...single, makeNode('Sigmoid', ['z'], ['s']), makeNode('Concat', ['q', 's'], ['y'], { axis: 1 })],
    ],
  ])('%s', async (_, nodes) => {
    const bytes = model(nodes);
    const values = await valuesOf(bytes);
    const cam = await open(bytes);
    const predictions = await cam.predict(image, { topK: values.length });
    for (const { index, score, probability } of predictions) {
      expect(score).toBeCloseTo(values[index]!, 5);
      expect(probability).toBeCloseTo(values[index]!, 5);
    }
    const plain = one(await cam.explain(image, { target: 1 }));
    const asked = one(await cam.explain(image, { target: probability(1) }));
    expectClose(asked.raw.data, plain.raw.data, 1e-6);
    expect(asked.target.score).toBeCloseTo(values[1]!, 5);
    await expectError(
      () => cam.explain(image, { target: logProbability(1) }),
      'ERR_MODEL_UNSUPPORTED',
      'probabilities',
    );
  });

  it.each<[string, GraphNode]>([
    ['cut off', makeNode('Clip', ['pp', 'low', 'high'], ['y'])],
    ['per cent', makeNode('Mul', ['pp', 'hundred'], ['y'])],
  ])('a Softmax is looked through: %s', async (_, node) => {
    const cam = await open(model([...softmax, node]));
    const plain = await open(model([makeNode('Softmax', ['z'], ['y'])]));
    const { predictions, raw } = one(await cam.explain(image));
    const expected = one(await plain.explain(image));
    expect(predictions).toEqual(expected.predictions);
    expectClose(raw.data, expected.raw.data, 1e-6);
  });

  it('what a Sigmoid gates is logits', async () => {
    const cam = await open(model([makeNode('Sigmoid', ['z'], ['s']), makeNode('Mul', ['z', 's'], ['y'])]));
    const predictions = await cam.predict(image, { topK: 6 });
    expect(predictions.reduce((sum, { probability }) => sum + probability!, 0)).toBeCloseTo(1, 5);
  });
});
