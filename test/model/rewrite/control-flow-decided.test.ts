import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../lib/autodiff/differentiate.ts';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { expectGradient, inner, model, resolved, scalar } from '../../helpers/control-flow.ts';
import { expectError } from '../../helpers/expect-error.ts';
import { load } from '../../helpers/load.ts';
import { type ModelSpec, noise } from '../../helpers/model-builder.ts';

describe('control flow that the picture decides', () => {
  const bright = [
    makeNode('ReduceMax', ['x'], ['most'], { keepdims: 0 }),
    makeNode('Greater', ['most', 'one'], ['bright']),
  ];
  const branch = (...nodes: ModelSpec['nodes'][number][]) => inner({ nodes, outputs: [{ name: 'inside' }] });
  const twice = branch(makeNode('Add', ['x', 'x'], ['inside']));
  const square = branch(makeNode('Mul', ['x', 'x'], ['inside']));
  /** log(most − x): −∞ in the brightest place, and its derivative too. */
  const logarithm = branch(makeNode('Sub', ['most', 'x'], ['rest']), makeNode('Log', ['rest'], ['inside']));
  const choice = (taken: typeof twice, other: typeof twice, name = '') =>
    makeNode('If', ['bright'], ['z'], { then_branch: taken, else_branch: other }, { name });
  const classifier = (node: ModelSpec['nodes'][number], batch: number | 'N' = 'N') =>
    model({
      nodes: [
        ...bright,
        node,
        makeNode('Conv', ['z', 'w'], ['c']),
        makeNode('GlobalAveragePool', ['c'], ['p']),
        makeNode('Flatten', ['p'], ['y']),
      ],
      initializers: { one: { dims: [], data: [1] }, w: noise([4, 3, 1, 1]) },
      inputs: [{ name: 'x', dims: [batch, 3, 4, 6] }],
      outputs: [{ name: 'y', dims: [batch, 4] }],
    });

  it.each([
    ['taken', 1e-3, (x: number) => 2 * x],
    ['not taken', 1e3, () => 2],
  ])('chooses between both branches of an If: %s', async (_, limit, slope) => {
    const bytes = model({
      nodes: [...bright, choice(square, twice), makeNode('Identity', ['z'], ['y'])],
      initializers: { one: { dims: [], data: [limit] } },
    });
    expect((await resolved(bytes)).ops).not.toContain('If');
    await expectGradient(bytes, slope);
  });

  it('lets no derivative of the other branch through, not even an infinite one', async () => {
    const bytes = model({
      nodes: [...bright, choice(square, logarithm), makeNode('Identity', ['z'], ['y'])],
      initializers: { one: { dims: [], data: [1e-3] } },
    });
    expect((await resolved(bytes)).ops).not.toContain('If');
    await expectGradient(bytes, x => 2 * x);
  });

  it('chooses within a branch', async () => {
    const nested = inner({ nodes: [choice(square, twice)], outputs: [{ name: 'z' }] });
    const bytes = model({
      nodes: [...bright, makeNode('If', ['bright'], ['y'], { then_branch: nested, else_branch: logarithm })],
      initializers: { one: { dims: [], data: [1e-3] } },
    });
    expect((await resolved(bytes)).ops).not.toContain('If');
    await expectGradient(bytes, x => 2 * x);
  });

  it('is for one picture at a time: those of a batch would decide together', async () => {
    const fixed = (batch: number | 'N') => load(classifier(choice(twice, square), batch));
    expect((await fixed('N')).input.batch).toBe(1);
    expect((await fixed(1)).input.batch).toBe(1);
    expect((await fixed(1)).logits.note).toBeUndefined();
    const { input, logits } = await fixed(2);
    expect(input.batch).toBe(2);
    expect(logits.note).toContain('decide together which branch');
  });

  it.each([
    ['results of other shapes', branch(makeNode('ReduceMax', ['x'], ['inside'], { axes: [2, 3] }))],
    [
      'as many results as the picture says',
      branch(
        makeNode('NonZero', ['x'], ['places']),
        makeNode('Gather', ['places', 'zero'], ['first'], { axis: 0 }),
        makeNode('Gather', ['x', 'first'], ['rows'], { axis: 0 }),
        makeNode('Sub', ['x', 'x'], ['inside']),
      ),
    ],
  ])('stays as it is with %s, and is refused where a gradient would have to pass it', async (_, other) => {
    const node = choice(twice, other, 'scale');
    const bytes = model({
      nodes: [
        ...bright,
        node,
        makeNode('Conv', ['z', 'w'], ['c']),
        makeNode('GlobalAveragePool', ['c'], ['p']),
        makeNode('Flatten', ['p'], ['y']),
      ],
      initializers: { one: { dims: [], data: [1] }, zero: scalar(0), w: noise([4, 3, 1, 1]) },
      outputs: [{ name: 'y', dims: ['N', 4] }],
    });
    const { ops, assumptions } = await resolved(bytes);
    expect(ops).toContain('If');
    expect(assumptions).toEqual([]);
    const { graph, facts, input } = await load(bytes);
    expect(input.batch).toBe(1);
    const seeds = { y: { gradient: 'seed' } };
    const refused = async () => differentiate({ graph: graph.clone(), facts, seeds, wrt: ['x'] });
    await expectError(refused, 'ERR_NO_GRADIENT', 'If (node "scale"): the picture');
  });
});

describe('another size', () => {
  it('that takes another way is refused', async () => {
    const branch = (op: string) =>
      inner({ nodes: [makeNode(op, ['c', 'c'], ['inside'])], outputs: [{ name: 'inside' }] });
    const loaded = await load(
      model({
        inputs: [{ name: 'x', dims: ['N', 3, 'H', 'W'] }],
        nodes: [
          makeNode('Conv', ['x', 'w'], ['c']),
          makeNode('Shape', ['x'], ['shape']),
          makeNode('Gather', ['shape', 'three'], ['width'], { axis: 0 }),
          makeNode('Greater', ['width', 'limit'], ['wide']),
          makeNode(
            'If',
            ['wide'],
            ['z'],
            { then_branch: branch('Add'), else_branch: branch('Mul') },
            { name: 'by width' },
          ),
          makeNode('GlobalAveragePool', ['z'], ['p']),
          makeNode('Flatten', ['p'], ['y']),
        ],
        initializers: { three: scalar(3), limit: scalar(100), w: noise([4, 3, 1, 1]) },
        outputs: [{ name: 'y', dims: ['N', 4] }],
      }),
    );
    await expect(loaded.factsFor(300, 200)).resolves.toBeDefined();
    await expectError(() => loaded.factsFor(50, 50), 'ERR_INPUT_SHAPE', 'If "by width"');
  });
});
