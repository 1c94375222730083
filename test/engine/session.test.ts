import { describe, expect, test } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import type { Tensor, TensorType } from '../../lib/engine/tensor.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { addModel, vector } from './models.ts';

const VALUES: Record<TensorType, Tensor> = {
  float32: { type: 'float32', data: Float32Array.of(1.5, -2, 0), dims: [3] },
  float64: { type: 'float64', data: Float64Array.of(1.5, -2, 1e300), dims: [3] },
  float16: { type: 'float16', data: Uint16Array.of(0x3c00, 0xbc00, 0x7bff), dims: [3] },
  bfloat16: { type: 'bfloat16', data: Uint16Array.of(0x3f80, 0xbf80, 0x4000), dims: [3] },
  uint8: { type: 'uint8', data: Uint8Array.of(0, 1, 255), dims: [3] },
  int8: { type: 'int8', data: Int8Array.of(-128, 0, 127), dims: [3] },
  uint16: { type: 'uint16', data: Uint16Array.of(0, 1, 65535), dims: [3] },
  int16: { type: 'int16', data: Int16Array.of(-32768, 0, 32767), dims: [3] },
  uint32: { type: 'uint32', data: Uint32Array.of(0, 1, 4294967295), dims: [3] },
  int32: { type: 'int32', data: Int32Array.of(-2147483648, 0, 2147483647), dims: [3] },
  uint64: { type: 'uint64', data: BigUint64Array.of(0n, 1n, 2n ** 64n - 1n), dims: [3] },
  int64: { type: 'int64', data: BigInt64Array.of(-(2n ** 63n), 0n, 2n ** 63n - 1n), dims: [3] },
  bool: { type: 'bool', data: Uint8Array.of(0, 1, 1), dims: [3] },
};

describe('run', () => {
  test('computes by name and describes inputs and outputs', async () => {
    await using session = await Session.create(addModel());
    expect(session.inputs).toEqual([{ name: 'x', type: 'float32', dims: ['n'] }]);
    expect(session.outputs).toEqual([{ name: 'y', type: 'float32', dims: [4] }]);
    expect(session.warnings).toEqual([]);
    const { y } = await session.run({ x: vector([10, 20, 30, 40]) }, ['y']);
    expect(y).toEqual(vector([11, 22, 33, 44]));
  });

  test.each(Object.keys(VALUES) as TensorType[])('passes %s tensors through unchanged', async type => {
    const model = buildModel({
      nodes: [makeNode('Reshape', ['x', 'shape'], ['y'])],
      inputs: [{ name: 'x', type, dims: ['n'] }],
      outputs: [{ name: 'y', type, dims: ['m', 1] }],
      initializers: { shape: { dims: [2], type: 'int64', data: [-1, 1] } },
    });
    await using session = await Session.create(model);
    const { y } = await session.run({ x: VALUES[type] }, ['y']);
    expect(y).toEqual({ type, data: VALUES[type].data, dims: [3, 1] });
    expect(y!.data).toBeInstanceOf(VALUES[type].data.constructor);
  });

  test('takes empty tensors and gives them back', async () => {
    const model = buildModel({
      nodes: [makeNode('Neg', ['x'], ['y'])],
      inputs: [{ name: 'x', dims: ['n', 3] }],
      outputs: [{ name: 'y', dims: ['n', 3] }],
    });
    await using session = await Session.create(model);
    const { y } = await session.run({ x: vector([], [0, 3]) }, ['y']);
    expect(y).toEqual(vector([], [0, 3]));
  });

  test('takes scalars', async () => {
    const model = buildModel({
      nodes: [makeNode('Neg', ['x'], ['y'])],
      inputs: [{ name: 'x', dims: [] }],
      outputs: [{ name: 'y', dims: [] }],
    });
    await using session = await Session.create(model);
    expect(await session.run({ x: vector([7], []) }, ['y'])).toEqual({ y: vector([-7], []) });
  });

  test('several runs at once on one session do not mix', async () => {
    await using session = await Session.create(addModel(), { intraOpNumThreads: 1 });
    const runs = Array.from({ length: 64 }, (_, i) => session.run({ x: vector([i, i, i, i]) }, ['y']));
    const results = await Promise.all(runs);
    expect(results.map(({ y }) => y!.data[3])).toEqual(Array.from({ length: 64 }, (_, i) => i + 4));
  });

  test('never hands out memory of the session, the inputs or another output', async () => {
    const model = buildModel({
      nodes: [makeNode('Identity', ['x'], ['copy']), makeNode('Identity', ['w'], ['constant'])],
      inputs: [{ name: 'x', dims: [4] }],
      outputs: ['copy', 'x', 'constant', 'w'].map(name => ({ name, dims: [4] })),
      initializers: { w: { dims: [4], data: [1, 2, 3, 4] } },
    });
    for (const graphOptimizationLevel of ['disabled', 'all'] as const) {
      await using session = await Session.create(model, { graphOptimizationLevel });
      for (let round = 0; round < 2; round++) {
        const x = vector([5, 6, 7, 8]);
        const results = await session.run({ x }, ['copy', 'x', 'constant', 'w']);
        expect(Object.values(results).map(({ data }) => Number(data[0]))).toEqual([5, 5, 1, 1]);
        for (const [index, { data }] of Object.values(results).entries()) (data as Float32Array).fill(100 + index);
        expect(Object.values(results).map(({ data }) => Number(data[0]))).toEqual([100, 101, 102, 103]);
        expect([...x.data]).toEqual([5, 6, 7, 8]);
      }
    }
  });
});

describe('checks', () => {
  const model = buildModel({
    nodes: [makeNode('Add', ['image', 'offset'], ['logits'])],
    inputs: [
      { name: 'image', dims: ['batch', 3] },
      { name: 'offset', dims: [] },
    ],
    outputs: [{ name: 'logits', dims: ['batch', 3] }],
  });
  const image = vector([1, 2, 3], [1, 3]);
  const offset = vector([1], []);

  test.each<[string, Record<string, unknown>, string[], string, RegExp]>([
    [
      'an unknown input',
      { imag: image, offset },
      ['logits'],
      'ERR_OPTION_INVALID',
      /no input 'imag' \(did you mean image/,
    ],
    ['a missing input', { image }, ['logits'], 'ERR_OPTION_INVALID', /'offset' .* was not fed/],
    [
      'an unknown output',
      { image, offset },
      ['logit'],
      'ERR_OPTION_INVALID',
      /no output 'logit' \(did you mean logits/,
    ],
    ['no output', { image, offset }, [], 'ERR_OPTION_INVALID', /at least one output/],
    ['an output twice', { image, offset }, ['logits', 'logits'], 'ERR_OPTION_INVALID', /fetched twice/],
    [
      'a wrong shape',
      { image: vector([1, 2], [1, 2]), offset },
      ['logits'],
      'ERR_INPUT_SHAPE',
      /shape \[batch, 3\].*\[1, 2\]/,
    ],
    ['a wrong rank', { image: vector([1, 2, 3]), offset }, ['logits'], 'ERR_INPUT_SHAPE', /shape \[batch, 3\].*\[3\]/],
    [
      'too little data',
      { image: vector([1, 2], [1, 3]), offset },
      ['logits'],
      'ERR_INPUT_SHAPE',
      /need 3 elements, data has 2/,
    ],
    ['a negative dim', { image: vector([], [-1, 3]), offset }, ['logits'], 'ERR_INPUT_SHAPE', /at least 0/],
    [
      'a wrong type',
      { image: { type: 'uint8', data: new Uint8Array(3), dims: [1, 3] }, offset },
      ['logits'],
      'ERR_INPUT_SHAPE',
      /float32, the tensor has uint8/,
    ],
    [
      'an array of another type',
      { image: { type: 'float32', data: new Float64Array(3), dims: [1, 3] }, offset },
      ['logits'],
      'ERR_INPUT_SHAPE',
      /must be a Float32Array, not Float64Array/,
    ],
    ['no tensor at all', { image: [1, 2, 3], offset }, ['logits'], 'ERR_INPUT_SHAPE', /must be a tensor/],
  ])('refuses %s', async (_, feeds, fetches, code, message) => {
    await using session = await Session.create(model);
    const run = session.run(feeds as Record<string, Tensor>, fetches);
    await expect(run).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('refuses string inputs and outputs', async () => {
    const strings = buildModel({
      nodes: [makeNode('Identity', ['x'], ['y']), makeNode('Neg', ['n'], ['m'])],
      inputs: [
        { name: 'x', type: 'string', dims: [1] },
        { name: 'n', dims: [1] },
      ],
      outputs: [
        { name: 'y', type: 'string', dims: [1] },
        { name: 'm', dims: [1] },
      ],
    });
    await using session = await Session.create(strings);
    expect(session.inputs[0]!.type).toBe('string');
    const feeds = { x: vector([1]), n: vector([1]) };
    const refusal = { code: 'ERR_MODEL_UNSUPPORTED', message: expect.stringMatching(/'x' is a string/) };
    await expect(session.run(feeds, ['m'])).rejects.toMatchObject(refusal);
    const noStrings = session.run({ x: vector([1]), n: vector([1]) }, ['y']);
    await expect(noStrings).rejects.toMatchObject({ code: 'ERR_MODEL_UNSUPPORTED' });
  });
});

describe('dispose', () => {
  test('a later run throws ERR_DISPOSED; disposing twice does no harm', async () => {
    const session = await Session.create(addModel());
    await session.dispose();
    await session.dispose();
    await expect(session.run({ x: vector([1, 2, 3, 4]) }, ['y'])).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('runs under way finish and return their results', async () => {
    const session = await Session.create(addModel(), { intraOpNumThreads: 1 });
    const runs = Array.from({ length: 8 }, () => session.run({ x: vector([1, 1, 1, 1]) }, ['y']));
    await session.dispose();
    for (const { y } of await Promise.all(runs)) expect(y).toEqual(vector([2, 3, 4, 5]));
  });

  test('outputs stay readable after their session is gone', async () => {
    const session = await Session.create(addModel());
    const { y } = await session.run({ x: vector([1, 1, 1, 1]) }, ['y']);
    await session.dispose();
    expect([...y!.data]).toEqual([2, 3, 4, 5]);
  });
});

describe('errors of ONNX Runtime', () => {
  const unary = (op: string, options: { opset?: number; irVersion?: number; domain?: string } = {}) =>
    buildModel({
      nodes: [makeNode(op, ['x'], ['y'], {}, { domain: options.domain ?? '' })],
      inputs: [{ name: 'x', dims: ['n'] }],
      outputs: [{ name: 'y', dims: ['n'] }],
      opset: options.domain ? { '': 17, [options.domain]: 1 } : options.opset,
      irVersion: options.irVersion,
    });

  test.each<[string, Uint8Array, string, RegExp]>([
    ['nothing', new Uint8Array(), 'ERR_MODEL_INVALID', /empty/],
    ['text', new TextEncoder().encode('hello, this is a text file\n'), 'ERR_MODEL_INVALID', /protobuf parsing failed/],
    ['a cut file', addModel().slice(0, -30), 'ERR_MODEL_INVALID', /could not load the model/],
    ['an unknown operator', unary('Foo'), 'ERR_MODEL_UNSUPPORTED', /Foo/],
    ['an unknown domain', unary('Foo', { domain: 'my.domain' }), 'ERR_MODEL_UNSUPPORTED', /my\.domain:Foo/],
    ['a future opset', unary('Neg', { opset: 99 }), 'ERR_MODEL_UNSUPPORTED', /opset/],
    ['a future format', unary('Neg', { irVersion: 99 }), 'ERR_MODEL_UNSUPPORTED', /IR version/],
  ])('%s is refused with its text', async (_, bytes, code, message) => {
    const error = await Session.create(bytes).catch(reason => reason);
    expect(error).toMatchObject({ name: 'OnnxCamError', code, message: expect.stringMatching(message) });
    expect(error.message).not.toMatch(/\n/);
  });

  test('a failing run carries the text, and the session stays usable', async () => {
    const model = buildModel({
      nodes: [makeNode('Reshape', ['x', 'shape'], ['y'])],
      inputs: [
        { name: 'x', dims: ['n'] },
        { name: 'shape', type: 'int64', dims: [1] },
      ],
      outputs: [{ name: 'y', dims: ['m'] }],
    });
    await using session = await Session.create(model);
    const feeds = (size: bigint) => ({
      x: vector([1, 2, 3]),
      shape: { type: 'int64', data: BigInt64Array.of(size), dims: [1] } as const,
    });
    const failure = { code: 'ERR_RUNTIME', message: expect.stringMatching(/Reshape node.*cannot be reshaped/) };
    await expect(session.run(feeds(7n), ['y'])).rejects.toMatchObject(failure);
    expect((await session.run(feeds(3n), ['y'])).y).toEqual(vector([1, 2, 3]));
  });

  test('memory that cannot be had is ERR_OUT_OF_MEMORY', async () => {
    const model = buildModel({
      nodes: [makeNode('ConstantOfShape', ['shape'], ['y'])],
      inputs: [{ name: 'shape', type: 'int64', dims: [2] }],
      outputs: [{ name: 'y', dims: ['a', 'b'] }],
    });
    await using session = await Session.create(model);
    const shape = { type: 'int64', data: BigInt64Array.of(2n ** 30n, 2n ** 20n), dims: [2] } as const;
    await expect(session.run({ shape }, ['y'])).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
  });
});
