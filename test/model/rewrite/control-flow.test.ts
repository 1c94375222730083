import { create } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType, AttributeProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { relativeError } from '../../autodiff/harness.ts';
import { expectGradient, flag, gradientOf, inner, list, model, resolved, scalar } from '../../helpers/control-flow.ts';
import { int64, type ModelSpec, valueInfo } from '../../helpers/model-builder.ts';

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
