/** Products with a square weight and with its transpose: what runtimes take for one constant becomes two. */
import { describe, expect, it } from 'vitest';
import { separateSquareWeights } from '../../lib/export/square-weights.ts';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { serializeModel } from '../../lib/model/file/serialize-model.ts';
import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { createOrtSession } from '../helpers/ort-session.ts';

const SIDE = 5;

/** x·W as y, and what is added to it as z. */
function both(forward: readonly GraphNode[], added: readonly GraphNode[], dims: readonly number[] = [SIDE, SIDE]) {
  const model = buildModel({
    nodes: [...forward, ...added],
    inputs: [{ name: 'x', dims: [2, dims[0]!] }],
    outputs: [
      { name: 'y', dims: [2, dims[1]!] },
      { name: 'z', dims: [2, dims[0]!] },
    ],
    initializers: { W: noise(dims, 3) },
  });
  const graph = parseModel(model);
  separateSquareWeights(graph, new Set(forward.flatMap(({ outputs }) => outputs)));
  return { model, graph };
}

const straight = [makeNode('MatMul', ['x', 'W'], ['y'])];
const turned = [makeNode('Transpose', ['W'], ['T'], { perm: [1, 0] }), makeNode('MatMul', ['y', 'T'], ['z'])];

describe('a square weight that is multiplied by both ways', () => {
  it.each([
    ['MatMul, then its transpose', straight, turned],
    [
      'Gemm of a transpose, then MatMul',
      [makeNode('Gemm', ['x', 'W'], ['y'], { transB: 1 })],
      [makeNode('MatMul', ['y', 'W'], ['z'])],
    ],
    ['MatMul, then Gemm of a transpose', straight, [makeNode('Gemm', ['y', 'W'], ['z'], { transB: 1 })]],
  ])('%s: the added product has a constant of its own, and the same values', async (_, forward, added) => {
    const { model, graph } = both(forward, added);
    expect(graph.nodes.filter(node => node.op === 'Reshape')).toHaveLength(2);
    expect(graph.nodes.find(({ outputs }) => outputs[0] === 'y')!.inputs[1]).toBe('W');
    const product = graph.nodes.find(({ outputs }) => outputs[0] === 'z')!;
    expect(['W', 'T']).not.toContain(product.inputs[1]);
    expect(graph.nodes.some(({ outputs }) => outputs[0] === 'T')).toBe(false);
    const feeds = { x: { type: 'float32', data: noise([2, SIDE], 4).data, dims: [2, SIDE] } } as const;
    const values: unknown[] = [];
    for (const bytes of [model, serializeModel(graph).model]) {
      const session = await createOrtSession(bytes);
      values.push((await session.run(feeds, ['z'])).z!.data);
      await session.dispose();
    }
    expect(values[1]).toEqual(values[0]);
  });
});

it('leaves weights alone that are not square, and products the same way round', () => {
  for (const [added, dims] of [
    [turned, [SIDE, 3]],
    [[makeNode('MatMul', ['y', 'W'], ['z'])], [SIDE, SIDE]],
  ] as const)
    expect(both(straight, added, dims).graph.nodes).toHaveLength(1 + added.length);
});
