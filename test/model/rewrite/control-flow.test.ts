import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  TypeProto_SequenceSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../lib/autodiff/differentiate.ts';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import { describeInput } from '../../../lib/model/find/input.ts';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { probeFacts } from '../../../lib/model/probe/probe-facts.ts';
import { resolveControlFlow } from '../../../lib/model/rewrite/control-flow/resolve.ts';
import { float32, relativeError, runGraph } from '../../autodiff/harness.ts';
import { expectError } from '../../helpers/expect-error.ts';
import { load } from '../../helpers/load.ts';
import { buildGraph, buildModel, int64, type ModelSpec, noise, valueInfo } from '../../helpers/model-builder.ts';
import { createOrtSession } from '../../helpers/ort-session.ts';

const body = (g: GraphProto) => create(AttributeProtoSchema, { type: AttributeProto_AttributeType.GRAPH, g });
/** A sequence of tensors. */
const list = (name: string) => {
  const elemType = valueInfo({ name }).type!;
  const value = create(TypeProto_SequenceSchema, { elemType });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'sequenceType', value } }),
  });
};

const scalar = (value: number) => ({ dims: [], type: 'int64' as const, data: [value] });
const flag = (value: number) => ({ dims: [], type: 'bool' as const, data: Uint8Array.of(value) });
const inner = (spec: Pick<ModelSpec, 'nodes'> & Partial<ModelSpec>) =>
  body(buildGraph({ inputs: [], outputs: [], ...spec }));

const model = (spec: Pick<ModelSpec, 'nodes'> & Partial<ModelSpec>) =>
  buildModel({ inputs: [{ name: 'x', dims: ['N', 3, 4, 6] }], outputs: [{ name: 'y' }], ...spec });

async function resolved(bytes: Uint8Array) {
  const graph = parseModel(bytes);
  const probe = { input: describeInput(graph, {}) };
  const { graph: plain, assumptions } = await resolveControlFlow(graph, createOrtSession, probe);
  return { original: graph, plain, assumptions, probe, ops: plain.nodes.map(({ op }) => op) };
}

/** Gradient of Σ y by the emitted nodes, for a batch of two. */
async function gradientOf(bytes: Uint8Array) {
  const { original, plain, probe } = await resolved(bytes);
  const x = float32([2, 3, 4, 6], noise([2, 3, 4, 6], 3).data);
  const [before, after] = [await runGraph(original, { x }, ['y']), await runGraph(plain, { x }, ['y'])];
  expect(relativeError(after.y!.data as Float32Array, before.y!.data as Float32Array)).toBeLessThan(1e-6);
  expect(after.y!.dims).toEqual(before.y!.dims);
  const facts = await probeFacts(plain, createOrtSession, probe);
  const { dims } = after.y!;
  plain.inputs.push(valueInfo({ name: 'seed', dims }));
  const { gradients } = differentiate({ graph: plain, facts, seeds: { y: { gradient: 'seed' } }, wrt: ['x'] });
  const ones = float32(dims, new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1));
  const name = gradients.get('x')!;
  return { x: x.data, gradient: (await runGraph(plain, { x, seed: ones }, [name]))[name]!.data as Float32Array };
}

const expectGradient = async (bytes: Uint8Array, slope: (x: number, index: number) => number) => {
  const { x, gradient } = await gradientOf(bytes);
  expect(relativeError(gradient, Array.from(x, slope))).toBeLessThan(1e-5);
};

/** y = body applied `trips` times. */
const loop = (
  trips: string,
  condition: string,
  nodes: ModelSpec['nodes'],
  outputs: readonly string[],
  more: Partial<ModelSpec> = {},
) =>
  makeNode('Loop', [trips, condition, 'x'], ['last', ...outputs.slice(2).map((_, i) => (i === 0 ? 'y' : `s${i}`))], {
    body: inner({
      nodes,
      inputs: [{ name: 'i', type: 'int64', dims: [] }, { name: 'c', type: 'bool', dims: [] }, { name: 'v' }],
      outputs: outputs.map((name, index) => (index === 0 ? { name, type: 'bool', dims: [] } : { name })),
      ...more,
    }),
  });

describe('control flow that shapes and constants decide', () => {
  const branch = (op: string) =>
    inner({ nodes: [makeNode(op, ['x', 'x'], ['inside'])], outputs: [{ name: 'inside' }] });

  it('is the branch that a size chooses, also inside a branch', async () => {
    const nested = inner({
      nodes: [makeNode('If', ['narrow'], ['chosen'], { then_branch: branch('Add'), else_branch: branch('Mul') })],
      outputs: [{ name: 'chosen' }],
    });
    const bytes = model({
      nodes: [
        makeNode('Shape', ['x'], ['shape']),
        makeNode('Gather', ['shape', 'three'], ['width'], { axis: 0 }),
        makeNode('Equal', ['width', 'six'], ['wide']),
        makeNode('Not', ['wide'], ['narrow']),
        makeNode('If', ['wide'], ['y'], { then_branch: nested, else_branch: branch('Sub') }),
      ],
      initializers: { three: scalar(3), six: scalar(6) },
    });
    expect((await resolved(bytes)).ops).not.toContain('If');
    await expectGradient(bytes, x => 2 * x);
  });

  it('is a Loop of a constant number of steps, with rows of results', async () => {
    const nodes = [
      makeNode('Mul', ['v', 'half'], ['w']),
      makeNode('Identity', ['c'], ['go']),
      makeNode('Mul', ['w', 'w'], ['row']),
    ];
    const bytes = model({
      nodes: [loop('three', 'yes', nodes, ['go', 'w', 'row'])],
      initializers: { three: scalar(3), yes: flag(1), half: { dims: [], data: [0.5] } },
    });
    const { ops } = await resolved(bytes);
    expect(ops).not.toContain('Loop');
    // Σ (x/2)², (x/4)², (x/8)²
    await expectGradient(bytes, x => 2 * x * (1 / 4 + 1 / 16 + 1 / 64));
  });

  it('is a Loop that counts until a condition ends it', async () => {
    const nodes = [
      makeNode('Mul', ['v', 'half'], ['w']),
      makeNode('Add', ['i', 'one'], ['next']),
      makeNode('Less', ['next', 'two'], ['go']),
      makeNode('Identity', ['w'], ['row']),
    ];
    const bytes = model({
      nodes: [loop('', 'yes', nodes, ['go', 'w', 'row'])],
      initializers: { one: scalar(1), two: scalar(2), yes: flag(1), half: { dims: [], data: [0.5] } },
    });
    expect((await resolved(bytes)).ops).not.toContain('Loop');
    await expectGradient(bytes, () => 1 / 2 + 1 / 4);
  });

  it.each([
    ['a number of steps that is zero', 'none', 'yes'],
    ['a condition that is false from the start', 'three', 'no'],
  ])('is a Loop that never runs, by %s', async (_, limit, start) => {
    const nodes = [makeNode('Mul', ['v', 'v'], ['w']), makeNode('Identity', ['c'], ['go'])];
    const bytes = model({
      nodes: [
        makeNode('Add', ['x', 'x'], ['double']),
        makeNode('Loop', [limit, start, 'double'], ['y'], {
          body: inner({
            nodes,
            inputs: [{ name: 'i', type: 'int64', dims: [] }, { name: 'c', type: 'bool', dims: [] }, { name: 'v' }],
            outputs: [{ name: 'go', type: 'bool', dims: [] }, { name: 'w' }],
          }),
        }),
      ],
      initializers: { none: scalar(0), three: scalar(3), yes: flag(1), no: flag(0) },
    });
    expect((await resolved(bytes)).ops).not.toContain('Loop');
    await expectGradient(bytes, () => 2);
  });

  it.each([
    [0, 0],
    [1, 0],
    [0, 1],
  ])('is a Scan over rows (directions %i and %i)', async (direction, outputDirection) => {
    const step = inner({
      nodes: [makeNode('Add', ['s', 'e'], ['t']), makeNode('Mul', ['t', 't'], ['o'])],
      inputs: [{ name: 's' }, { name: 'e' }],
      outputs: [{ name: 't' }, { name: 'o' }],
    });
    const bytes = model({
      nodes: [
        makeNode('ReduceSum', ['x', 'axes'], ['start'], { keepdims: 0 }),
        makeNode('Mul', ['start', 'zero'], ['empty']),
        makeNode('Scan', ['empty', 'x'], ['sum', 'y'], {
          body: step,
          num_scan_inputs: 1,
          scan_input_axes: [2],
          scan_output_axes: [2],
          scan_input_directions: [direction],
          scan_output_directions: [outputDirection],
        }),
      ],
      initializers: { axes: int64(2), zero: { dims: [], data: [0] } },
    });
    expect((await resolved(bytes)).ops).not.toContain('Scan');
    const { x, gradient } = await gradientOf(bytes);
    const expected = Float32Array.from(x, (_, index) => {
      const [column, row, plane] = [index % 6, Math.floor(index / 6) % 4, Math.floor(index / 24)];
      const at = (r: number) => x[plane * 24 + r * 6 + column]!;
      let slope = 0;
      // Running sums: row `r` counts in all that come behind it.
      for (let end = 0; end < 4; end++) {
        const rows = [0, 1, 2, 3].filter(r => (direction ? r >= end : r <= end));
        if (rows.includes(row)) slope += 2 * rows.reduce((sum, r) => sum + at(r), 0);
      }
      return slope;
    });
    expect(relativeError(gradient, expected)).toBeLessThan(1e-5);
  });

  it('is a sequence of known length', async () => {
    const bytes = model({
      nodes: [
        makeNode('SplitToSequence', ['x', 'two'], ['parts'], { axis: 3 }),
        makeNode('SequenceAt', ['parts', 'one'], ['second']),
        makeNode('Mul', ['second', 'second'], ['square']),
        makeNode('SequenceErase', ['parts', 'minus'], ['shorter']),
        makeNode('SequenceInsert', ['shorter', 'square', 'one'], ['longer']),
        makeNode('SequenceLength', ['longer'], ['length']),
        makeNode('Cast', ['length'], ['factor'], { to: 1 }),
        makeNode('ConcatFromSequence', ['longer'], ['joined'], { axis: 3 }),
        makeNode('Mul', ['joined', 'factor'], ['y']),
      ],
      initializers: { two: scalar(2), one: scalar(1), minus: scalar(-1) },
    });
    const { ops } = await resolved(bytes);
    expect(ops.filter(op => op.includes('Sequence'))).toEqual([]);
    await expectGradient(bytes, (x, index) => {
      const column = index % 6;
      return column < 2 ? 3 : column < 4 ? 3 + 6 * x : 0;
    });
  });

  it('is a SequenceMap of two sequences and a tensor', async () => {
    const square = inner({
      nodes: [makeNode('Mul', ['first', 'second'], ['product']), makeNode('Add', ['product', 'shift'], ['result'])],
      inputs: [{ name: 'first' }, { name: 'second' }, { name: 'shift' }],
      outputs: [{ name: 'result' }],
    });
    const bytes = model({
      nodes: [
        makeNode('SplitToSequence', ['x', 'three'], ['parts'], { axis: 3 }),
        makeNode('Slice', ['x', 'begin', 'end', 'axis'], ['shift']),
        makeNode('SequenceMap', ['parts', 'parts', 'shift'], ['results'], { body: square }),
        makeNode('ConcatFromSequence', ['results'], ['y'], { axis: 1 }),
      ],
      initializers: { three: scalar(3), begin: int64(0), end: int64(3), axis: int64(3) },
    });
    const { ops } = await resolved(bytes);
    expect(ops.filter(op => op.includes('Sequence'))).toEqual([]);
    await expectGradient(bytes, (x, index) => 2 * x + (index % 6 < 3 ? 2 : 0));
  });

  it('is what may hold a tensor or a sequence', async () => {
    const choose = (name: string) =>
      makeNode('If', [name], [`${name}_chosen`], { then_branch: branch('Mul'), else_branch: branch('Add') });
    const type = create(AttributeProtoSchema, {
      type: AttributeProto_AttributeType.TYPE_PROTO,
      tp: valueInfo({ name: 'x' }).type,
    });
    const bytes = model({
      nodes: [
        makeNode('Optional', ['x'], ['some']),
        makeNode('Optional', [], ['none'], { type }),
        makeNode('OptionalHasElement', ['some'], ['yes']),
        makeNode('OptionalHasElement', ['none'], ['no']),
        choose('yes'),
        choose('no'),
        makeNode('OptionalGetElement', ['some'], ['given']),
        makeNode('SequenceConstruct', ['given', 'yes_chosen', 'no_chosen'], ['list']),
        makeNode('Optional', ['list'], ['lists']),
        makeNode('OptionalGetElement', ['lists'], ['back']),
        makeNode('ConcatFromSequence', ['back'], ['y'], { axis: 1 }),
      ],
      opset: 18,
    });
    const { ops } = await resolved(bytes);
    expect(ops.filter(op => /Sequence|Optional|If/.test(op))).toEqual([]);
    // x, x², 2x
    await expectGradient(bytes, x => 3 + 2 * x);
  });

  it('is a list that a Loop appends to', async () => {
    const append = inner({
      nodes: [
        makeNode('Identity', ['c'], ['go']),
        makeNode('Gather', ['x', 'i'], ['row'], { axis: 2 }),
        makeNode('Mul', ['row', 'row'], ['square']),
        makeNode('SequenceInsert', ['list', 'square'], ['grown']),
      ],
      inputs: [
        { name: 'i', type: 'int64', dims: [] },
        { name: 'c', type: 'bool', dims: [] },
      ],
      outputs: [{ name: 'go', type: 'bool', dims: [] }],
    });
    append.g!.input.push(list('list'));
    append.g!.output.push(list('grown'));
    const bytes = model({
      nodes: [
        makeNode('SequenceEmpty', [], ['empty']),
        makeNode('Loop', ['two', '', 'empty'], ['rows'], { body: append }),
        makeNode('ConcatFromSequence', ['rows'], ['y'], { axis: 1, new_axis: 1 }),
      ],
      initializers: { two: scalar(2) },
    });
    const { ops } = await resolved(bytes);
    expect(ops.filter(op => op.includes('Sequence') || op === 'Loop')).toEqual([]);
    await expectGradient(bytes, (x, index) => (Math.floor(index / 6) % 4 < 2 ? 2 * x : 0));
  });
});

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
