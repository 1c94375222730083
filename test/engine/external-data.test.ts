import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { TensorProto_DataLocation as DataLocation, StringStringEntryProtoSchema, TensorProtoSchema } from 'onnx-buf';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Session, type SessionOptions } from '../../lib/engine/session.ts';
import { makeNode } from '../../lib/model/graph.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { vector } from './models.ts';

const weights = Float32Array.of(9, 9, 1, 2, 3, 4);
const bytes = new Uint8Array(weights.buffer);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-external-'));
  mkdirSync(join(folder, 'model', 'parts'), { recursive: true });
  writeFileSync(join(folder, 'outside.bin'), bytes);
  writeFileSync(join(folder, 'model', 'weights.bin'), bytes);
  writeFileSync(join(folder, 'model', 'parts', 'weights.bin'), bytes);
  writeFileSync(join(folder, 'model', 'short.bin'), bytes.subarray(0, 16));
});
afterAll(() => rmSync(folder, { recursive: true }));

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

test('a file given in memory is read during creation only', async () => {
  const copy = bytes.slice();
  const session = await Session.create(externalModel('virtual'), { externalFiles: { virtual: copy } });
  copy.fill(0);
  const { y } = await session.run({ x: vector([0, 0, 0, 0]) }, ['y']);
  expect([...y!.data]).toEqual([1, 2, 3, 4]);
  await session.dispose();
});

test('files are found in the folder and below it', async () => {
  const externalFolder = join(folder, 'model');
  expect(await weightsSeen('weights.bin', { externalFolder })).toEqual([1, 2, 3, 4]);
  expect(await weightsSeen('parts/weights.bin', { externalFolder })).toEqual([1, 2, 3, 4]);
});

test.each<[string, string, SessionOptions]>([
  ['a folder not given', 'weights.bin', {}],
  ['a missing file', 'missing.bin', { externalFolder: 'model' }],
  ['a file that is too short', 'short.bin', { externalFolder: 'model' }],
  ['a location above the folder', '../outside.bin', { externalFolder: 'model' }],
  ['an absolute location', 'ABSOLUTE', { externalFolder: 'model' }],
  ['memory that is too short', 'virtual', { externalFiles: { virtual: bytes.subarray(0, 16) } }],
  ['memory under another name', 'virtual', { externalFiles: { other: bytes } }],
])('%s is ERR_EXTERNAL_DATA', async (_, location, options) => {
  const where = location === 'ABSOLUTE' ? join(folder, 'outside.bin') : location;
  const externalFolder = options.externalFolder && join(folder, options.externalFolder);
  const reading = weightsSeen(where, { ...options, externalFolder });
  await expect(reading).rejects.toMatchObject({ code: 'ERR_EXTERNAL_DATA' });
});
