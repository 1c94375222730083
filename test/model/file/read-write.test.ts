import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  FunctionProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import { serializeModel } from '../../../lib/model/file/serialize-model.ts';
import { writeModel } from '../../../lib/model/file/write-model.ts';
import { float, tensor } from '../../../lib/model/graph/attributes.ts';
import { makeNode, nodeToProto } from '../../../lib/model/graph/graph.ts';
import { makeTensorProto, readFloat32 } from '../../../lib/model/graph/tensor-values.ts';
import { buildModel, int64, noise } from '../../helpers/model-builder.ts';
import { createOrtSession } from '../../helpers/ort-session.ts';

const weight = noise([8, 3, 16, 16], 7, 0.1);

function smallModel(irVersion = 8) {
  return buildModel({
    irVersion,
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { strides: [8, 8] }),
      makeNode('Relu', ['c'], ['r']),
      makeNode('GlobalAveragePool', ['r'], ['p']),
      makeNode('Reshape', ['p', 'shape'], ['y']),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 32, 32] }],
    outputs: [{ name: 'y', dims: ['N', 8] }],
    initializers: { w: weight, shape: int64(0, -1) },
  });
}

async function runOnce(model: Uint8Array, externalFiles = {}) {
  const session = await createOrtSession(model, { externalFiles });
  const x = noise([2, 3, 32, 32], 3);
  const { y } = await session.run({ x: { type: 'float32', ...x } }, ['y']);
  await session.dispose();
  return Array.from(y!.data as Float32Array);
}

describe('parseModel', () => {
  it('keeps weights as views on the bytes of the file', () => {
    const bytes = smallModel();
    const graph = parseModel(bytes);
    expect(graph.initializers.get('w')!.rawData.buffer).toBe(bytes.buffer);
    expect(readFloat32(graph.initializers.get('w')!)).toEqual(weight.data);
  });

  it('turns packed float_data into a view as well', () => {
    const floats = [1.5, -2, 3.25];
    const proto = create(TensorProtoSchema, { dims: [3n], dataType: DataType.FLOAT, floatData: floats });
    const bytes = buildModel({
      nodes: [makeNode('Add', ['x', 'b'], ['y'])],
      inputs: [{ name: 'x', dims: [3] }],
      outputs: [{ name: 'y', dims: [3] }],
      initializers: { b: proto },
    });
    const stored = parseModel(bytes).initializers.get('b')!;
    expect(stored.rawData.buffer).toBe(bytes.buffer);
    expect(stored.floatData).toEqual([]);
    expect(stored.name).toBe('b');
    expect(Array.from(readFloat32(stored))).toEqual(floats);
  });

  it('makes constants weights, sorts nodes, drops weights from the inputs and renames ai.onnx', () => {
    const graph = parseModel(
      buildModel({
        opset: { 'ai.onnx': 12 },
        nodes: [
          makeNode('Mul', ['a', 'two'], ['y'], {}, { domain: 'ai.onnx' }),
          makeNode('Add', ['x', 'b'], ['a']),
          makeNode('Constant', [], ['two'], { value: tensor(makeTensorProto('', 'float32', [], Float32Array.of(2))) }),
          makeNode('Constant', [], ['half'], { value_float: float(0.5) }),
          makeNode('Constant', [], ['axes'], { value_ints: [1, 2] }),
        ],
        inputs: [
          { name: 'x', dims: [3] },
          { name: 'b', dims: [3] },
        ],
        outputs: [{ name: 'y', dims: [3] }],
        initializers: { b: { dims: [3], data: [1, 2, 3] } },
      }),
    );
    expect(graph.inputs.map(input => input.name)).toEqual(['x']);
    expect(graph.nodes.map(node => node.op)).toEqual(['Add', 'Mul']);
    expect(graph.nodes[1]!.domain).toBe('');
    expect(graph.opset).toBe(12);
    expect([...graph.initializers.keys()]).toEqual(['b', 'two', 'half', 'axes']);
    expect(Array.from(readFloat32(graph.initializers.get('half')!))).toEqual([0.5]);
  });

  it('inlines functions, also nested ones, with attribute references and defaults', async () => {
    const reference = (name: string, to: string) =>
      create(AttributeProtoSchema, { name, refAttrName: to, type: AttributeType.FLOAT });
    const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })];
    const leaky = { ...nodeToProto(makeNode('LeakyRelu', ['a'], ['b'])), attribute: [reference('alpha', 'slope')] };
    const inner = { ...nodeToProto(makeNode('inner', ['t'], ['u'], {}, { domain: 'f' })) };
    const functions = [
      create(FunctionProtoSchema, {
        domain: 'f',
        name: 'inner',
        input: ['a'],
        output: ['b'],
        opsetImport,
        node: [leaky],
        attributeProto: [create(AttributeProtoSchema, { name: 'slope', type: AttributeType.FLOAT, f: 0.25 })],
      }),
      create(FunctionProtoSchema, {
        domain: 'f',
        name: 'outer',
        input: ['a'],
        output: ['u'],
        opsetImport,
        node: [nodeToProto(makeNode('Neg', ['a'], ['t'])), inner],
      }),
    ];
    const graph = parseModel(
      buildModel({
        opset: { '': 17, f: 1 },
        functions,
        nodes: [
          makeNode('outer', ['x'], ['h'], {}, { domain: 'f', name: 'first' }),
          makeNode('outer', ['h'], ['y'], {}, { domain: 'f', name: 'second' }),
        ],
        inputs: [{ name: 'x', dims: [2] }],
        outputs: [{ name: 'y', dims: [2] }],
      }),
    );
    expect(graph.nodes.map(node => node.op)).toEqual(['Neg', 'LeakyRelu', 'Neg', 'LeakyRelu']);
    const session = await createOrtSession(writeModel(graph));
    const { y } = await session.run({ x: { type: 'float32', data: Float32Array.of(4, -4), dims: [2] } }, ['y']);
    expect(Array.from(y!.data as Float32Array)).toEqual([1, -1]);
    await session.dispose();
  });

  it('refuses operator sets it does not know, cycles, dangling names and double definitions', () => {
    const model =
      (nodes: Parameters<typeof buildModel>[0]['nodes'], opset = 17) =>
      () =>
        parseModel(
          buildModel({ nodes, opset, inputs: [{ name: 'x', dims: [1] }], outputs: [{ name: 'y', dims: [1] }] }),
        );
    const relu = makeNode('Relu', ['x'], ['y']);
    expect(model([relu], 6)).toThrowError(expect.objectContaining({ code: 'ERR_MODEL_UNSUPPORTED' }));
    expect(model([relu], 99)).toThrowError(/opset 99; supported are 7 to 26/);
    expect(model([makeNode('Add', ['x', 'z'], ['y']), makeNode('Neg', ['y'], ['z'])])).toThrowError(/cycle/);
    expect(model([makeNode('Add', ['x', 'nowhere'], ['y'])])).toThrowError(/"nowhere", which nothing defines/);
    expect(model([relu, makeNode('Neg', ['x'], ['y'])])).toThrowError(/defined twice/);
    expect(model([makeNode('Relu', ['x'], ['z'])])).toThrowError(/output "y"/);
    expect(model([])).toThrowError(expect.objectContaining({ code: 'ERR_MODEL_INVALID' }));
  });

  it('says what a file is that is no ONNX model', () => {
    const text = (value: string) => () => parseModel(new TextEncoder().encode(value));
    expect(() => parseModel(new Uint8Array())).toThrowError(/empty/);
    expect(text('hello world, I am no model')).toThrowError(/this is text/);
    expect(text('version https://git-lfs.github.com/spec/v1\noid')).toThrowError(/git lfs pull/);
    expect(text('PK\x03\x04checkpoint')).toThrowError(/zip archive/);
    expect(() => parseModel(toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n })))).toThrowError(
      /no graph/,
    );
  });

  it('answers every truncation and bit flip with a coded error or a graph', () => {
    const bytes = smallModel();
    const refused = { truncated: 0, flipped: 0 };
    const attempt = (damaged: Uint8Array, kind: keyof typeof refused) => {
      try {
        parseModel(damaged);
      } catch (error) {
        expect(error).toMatchObject({ name: 'OnnxCamError', code: expect.stringMatching(/^ERR_MODEL_/) });
        refused[kind]++;
      }
    };
    for (let length = 0; length < bytes.length; length += length < 700 ? 1 : 97)
      attempt(bytes.slice(0, length), 'truncated');
    const weightStart = bytes.length - 24_000;
    for (
      let bit = 0;
      bit < bytes.length * 8;
      bit += bit < weightStart * 8 || bit > (bytes.length - 300) * 8 ? 1 : 811
    ) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      attempt(damaged, 'flipped');
    }
    expect(refused.truncated).toBeGreaterThan(300);
    expect(refused.flipped).toBeGreaterThan(300);
  });
});

describe('serializeModel', () => {
  it('hands over large weights without copying and computes the same', async () => {
    const bytes = smallModel();
    const { model, externalFiles } = serializeModel(parseModel(bytes));
    const files = Object.values(externalFiles);
    expect(files.map(file => file.buffer)).toEqual([bytes.buffer]);
    expect(model.byteLength).toBeLessThan(1000);
    expect(await runOnce(model, externalFiles)).toEqual(await runOnce(bytes));
  });

  it('writes a self-contained file, also for the oldest format versions', async () => {
    const expected = await runOnce(smallModel());
    expect(await runOnce(writeModel(parseModel(smallModel())))).toEqual(expected);
    const old = parseModel(smallModel(3));
    expect(await runOnce(writeModel(old))).toEqual(expected);
  });
});
