import { create } from '@bufbuild/protobuf';
import { FunctionProtoSchema, OperatorSetIdProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import { makeNode, nodeToProto } from '../../../lib/model/graph/graph.ts';
import { expectError } from '../../helpers/expect-error.ts';
import { buildModel } from '../../helpers/model-builder.ts';

const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })];

/** A function of one input that calls others, or standard operators, one after the other. */
function definition(name: string, calls: readonly string[], inner = 't') {
  const tensor = (i: number) => (i === 0 ? 'a' : i === calls.length ? 'b' : `${inner}${i}`);
  const node = calls.map((op, i) =>
    nodeToProto(makeNode(op, [tensor(i)], [tensor(i + 1)], {}, { domain: /^[A-Z]/.test(op) ? '' : 'f' })),
  );
  return create(FunctionProtoSchema, { domain: 'f', name, input: ['a'], output: ['b'], opsetImport, node });
}

const modelOf = (functions: ReturnType<typeof definition>[]) =>
  buildModel({
    opset: { '': 17, f: 1 },
    functions,
    nodes: [makeNode('f0', ['x'], ['y'], {}, { domain: 'f' })],
    inputs: [{ name: 'x', dims: [2] }],
    outputs: [{ name: 'y', dims: [2] }],
  });

/** Each calls the next `width` times. */
const nested = (depth: number, width: number, inner?: string) =>
  modelOf(
    Array.from({ length: depth }, (_, i) =>
      definition(`f${i}`, new Array<string>(width).fill(i === depth - 1 ? 'Neg' : `f${i + 1}`), inner),
    ),
  );

describe('functions that call each other', () => {
  it('are written out up to a stated number of nodes', async () => {
    expect(parseModel(nested(12, 2)).nodes).toHaveLength(2 ** 12);
    const start = performance.now();
    await expectError(() => parseModel(nested(25, 2)), 'ERR_MODEL_UNSUPPORTED', '33554432 nodes', '8192');
    await expectError(() => parseModel(nested(30, 300)), 'ERR_MODEL_UNSUPPORTED', 'nodes');
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('count with the names that are copied', async () => {
    expect(parseModel(nested(10, 2, 'name')).nodes).toHaveLength(2 ** 10);
    await expectError(() => parseModel(nested(10, 2, 'n'.repeat(100_000))), 'ERR_MODEL_UNSUPPORTED', 'nodes');
  });

  it('are nested up to a stated depth', async () => {
    expect(parseModel(nested(31, 1)).nodes).toHaveLength(1);
    await expectError(() => parseModel(nested(32, 1)), 'ERR_MODEL_UNSUPPORTED', '32 deep');
    await expectError(() => parseModel(nested(20_000, 1)), 'ERR_MODEL_UNSUPPORTED', '20000 deep');
  });

  it('in a circle are invalid, whichever way it closes', async () => {
    for (const functions of [
      [definition('f0', ['f0'])],
      [definition('f0', ['Neg', 'f1']), definition('f1', ['f0', 'f0'])],
      [definition('f0', ['f1', 'f2']), definition('f1', ['f2']), definition('f2', ['Neg', 'f1'])],
    ])
      await expectError(() => parseModel(modelOf(functions)), 'ERR_MODEL_INVALID', 'calls itself');
  });

  it('that several call are no circle', () => {
    const shared = [
      definition('f0', ['f1', 'f2', 'f1']),
      definition('f1', ['f2', 'f3']),
      definition('f2', ['f3', 'f3']),
      definition('f3', ['Neg']),
    ];
    expect(parseModel(modelOf(shared)).nodes).toHaveLength(8);
  });
});
