import { create } from '@bufbuild/protobuf';
import { TensorProto_DataLocation as DataLocation, StringStringEntryProtoSchema, TensorProtoSchema } from 'onnx-buf';
import { expect, test } from 'vitest';
import { Session, type SessionOptions } from '../../lib/engine/session.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { vector } from './models.ts';

const weights = Float32Array.of(9, 9, 1, 2, 3, 4);
const bytes = new Uint8Array(weights.buffer);

/** y = x + w, with w = [1, 2, 3, 4] at byte 8 of `location`. */
function externalModel(location: string): Uint8Array {
  return buildModel({
    nodes: [makeNode('Add', ['x', 'w'], ['y'])],
    inputs: [{ name: 'x', dims: [4] }],
    outputs: [{ name: 'y', dims: [4] }],
    initializers: {
      w: create(TensorProtoSchema, {
        dims: [4n],
        dataType: 1,
        dataLocation: DataLocation.EXTERNAL,
        externalData: Object.entries({ location, offset: '8', length: '16' }).map(([key, value]) =>
          create(StringStringEntryProtoSchema, { key, value }),
        ),
      }),
    },
  });
}

async function weightsSeen(location: string, options: SessionOptions): Promise<number[]> {
  await using session = await Session.create(externalModel(location), options);
  const { y } = await session.run({ x: vector([0, 0, 0, 0]) }, ['y']);
  return [...(y!.data as Float32Array)];
}

test('weights are found at their offset in the file given', async () => {
  expect(await weightsSeen('virtual', { externalFiles: { virtual: bytes } })).toEqual([1, 2, 3, 4]);
});

test('a file given in memory is read during creation only', async () => {
  const copy = bytes.slice();
  const session = await Session.create(externalModel('virtual'), { externalFiles: { virtual: copy } });
  copy.fill(0);
  const { y } = await session.run({ x: vector([0, 0, 0, 0]) }, ['y']);
  expect([...y!.data]).toEqual([1, 2, 3, 4]);
  await session.dispose();
});

test.each<[string, SessionOptions]>([
  ['no file given', {}],
  ['memory that is too short', { externalFiles: { virtual: bytes.subarray(0, 16) } }],
  ['memory under another name', { externalFiles: { other: bytes } }],
])('%s is ERR_EXTERNAL_DATA', async (_, options) => {
  await expect(weightsSeen('virtual', options)).rejects.toMatchObject({ code: 'ERR_EXTERNAL_DATA' });
});
