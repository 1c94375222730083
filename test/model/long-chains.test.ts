import { describe, expect, it } from 'vitest';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { isAffineTail } from '../../lib/model/find/affine-tail.ts';
import { findAttentions, inputsOfAttention } from '../../lib/model/find/attention.ts';
import { newAxis, tokenAxis } from '../../lib/model/find/axes.ts';
import { findLogits } from '../../lib/model/find/logits.ts';
import { constantValues } from '../../lib/model/graph/constant-chain.ts';
import { tailOf } from '../../lib/model/graph/cut.ts';
import type { FactTable } from '../../lib/model/graph/facts.ts';
import { type Graph, type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { sortTopologically } from '../../lib/model/graph/topological-sort.ts';
import { lowerOperators } from '../../lib/model/rewrite/lowering/lower.ts';
import { expectError } from '../helpers/expect-error.ts';
import { buildModel, type WeightSpec } from '../helpers/model-builder.ts';

/** Far more than calls can be nested, or given as arguments. */
const LENGTH = 16_000;
const MANY = 200_000;

/** One node after the other from `from`; the last tensor is `to`. */
function chain(op: string, from: string, to: string, length = LENGTH): GraphNode[] {
  const name = (i: number) => (i === 0 ? from : i === length ? to : `${to}/${i}`);
  return Array.from({ length }, (_, i) => makeNode(op, [name(i)], [name(i + 1)]));
}

function graphOf(nodes: readonly GraphNode[], initializers: Record<string, WeightSpec> = {}): Graph {
  return parseModel(
    buildModel({
      nodes,
      initializers,
      opset: { '': 17, 'com.microsoft': 1 },
      inputs: [{ name: 'x', dims: [1, 4, 4] }],
      outputs: [{ name: 'y' }],
    }),
  );
}

const factsOf = (graph: Graph, dims: readonly number[]): FactTable =>
  new Map(['x', ...graph.nodes.flatMap(({ outputs }) => outputs)].map(name => [name, { type: 'float32', dims }]));

describe('chains longer than calls can be nested', () => {
  it('are cut, the nodes in order', () => {
    const graph = graphOf([makeNode('Relu', ['x'], ['a']), ...chain('Neg', 'a', 'y')]);
    const tail = tailOf(graph, factsOf(graph, [1, 4, 4]), 'a', ['y']);
    expect(tail.nodes).toHaveLength(LENGTH);
    expect(tail.nodes.map(({ outputs }) => outputs[0])).toEqual(graph.nodes.slice(1).map(({ outputs }) => outputs[0]));
  });

  it('are followed to constants, to the rank of a factor and to scores', () => {
    const constant = graphOf([...chain('Identity', 'w', 'c'), makeNode('Add', ['x', 'c'], ['y'])], {
      w: { dims: [2], data: [3, 4] },
    });
    expect(constantValues(constant, new Map(), 'c')).toEqual([3, 4]);

    const turned = graphOf(
      [
        makeNode('Transpose', ['x'], ['t'], { perm: [0, 2, 1] }),
        ...chain('Softmax', 't', 's'),
        makeNode('FusedMatMul', ['s', 's'], ['y'], { transA: 1 }, { domain: 'com.microsoft' }),
      ],
      {},
    );
    const lowered = lowerOperators(turned).nodes.at(-2)!;
    expect([lowered.op, lowered.attributes.ints('perm')]).toEqual(['Transpose', [0, 2, 1]]);

    const logs = graphOf([makeNode('Softmax', ['x'], ['p']), ...chain('Log', 'p', 'y')]);
    expect(findLogits(logs, factsOf(logs, [1, 4]), 'y').tensor).toBe('y');
  });

  it('are followed to what an attention reads', () => {
    const graph = graphOf([
      makeNode('Relu', ['x'], ['start']),
      ...chain('Neg', 'start', 'q'),
      makeNode('MatMul', ['q', 'x'], ['scores']),
      makeNode('Softmax', ['scores'], ['a'], { axis: -1 }),
      makeNode('MatMul', ['a', 'x'], ['y']),
    ]);
    const tokens = { grid: [2, 2] as const, prefix: 0 };
    const rows = [newAxis('batch', 1), tokenAxis(4, tokens), newAxis('channel', 4)];
    const axes = new Map(['x', ...graph.nodes.flatMap(({ outputs }) => outputs)].map(name => [name, rows]));
    axes.set('a', [newAxis('batch', 1), tokenAxis(4, tokens), tokenAxis(4, tokens)]);
    axes.set('scores', axes.get('a')!);
    const facts = factsOf(graph, [1, 4, 4]);
    const [attention] = findAttentions(graph, facts, axes);
    expect(inputsOfAttention(graph, facts, attention!, axes, new Set())).toEqual(['start']);
  });
});

describe('nodes with more inputs than a call takes arguments', () => {
  it('are sorted, and followed as sums', () => {
    const parts = chain('Neg', 'x', 'p', 3);
    const makers = Array.from({ length: MANY }, (_, i) => makeNode('Neg', ['x'], [`n${i}`]));
    const sum = makeNode(
      'Sum',
      makers.map(({ outputs }) => outputs[0]!),
      ['s'],
    );
    expect(sortTopologically([sum, ...makers], new Set(['x'])).at(-1)).toBe(sum);
    const graph = graphOf([...parts, makeNode('Sum', new Array<string>(MANY).fill('p'), ['y'])]);
    expect(isAffineTail(graph, 'p', 'y')).toBe(true);
  });
});

describe('a model of more nodes than are supported', () => {
  it('is refused at once', async () => {
    await expectError(() => graphOf(chain('Neg', 'x', 'y', 2 ** 14 + 1)), 'ERR_MODEL_UNSUPPORTED', '16385 nodes');
    expect(graphOf(chain('Neg', 'x', 'y', 2 ** 14)).nodes).toHaveLength(2 ** 14);
  });
});
