import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
} from 'onnx-buf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFloat32 } from '../../../lib/model/graph/tensor-values.ts';
import { load } from '../../helpers/load.ts';
import { buildModel, noise } from '../../helpers/model-builder.ts';
import { residualSpec } from '../../helpers/small-models.ts';

const weights = noise([4, 3, 3, 3], 1, 0.5).data;
const OFFSET = 64;
let folder = '';
let model = '';

/** Writes the model with its first weight in another file. */
async function writeModel(location: string, entries: Record<string, string> = {}): Promise<void> {
  const all = { location, offset: String(OFFSET), length: String(weights.byteLength), ...entries };
  const spec = residualSpec();
  const w1 = create(TensorProtoSchema, {
    dims: [4n, 3n, 3n, 3n],
    dataType: DataType.FLOAT,
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries(all).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  });
  await writeFile(model, buildModel({ ...spec, initializers: { ...spec.initializers, w1 } }));
}

async function writeWeights(path: string): Promise<void> {
  const bytes = new Uint8Array(OFFSET + weights.byteLength);
  bytes.set(new Uint8Array(weights.buffer), OFFSET);
  await writeFile(path, bytes);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-cam-external-'));
  await mkdir(join(folder, 'models', 'data'), { recursive: true });
  model = join(folder, 'models', 'model.onnx');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('external weights', () => {
  it.each(['weights.bin', 'data/weights.bin', './weights.bin'])('are read from %s beside the model', async location => {
    await writeModel(location);
    await writeWeights(join(folder, 'models', location));
    const { graph, chosen } = await load(model);
    expect(readFloat32(graph.initializers.get('w1')!)).toEqual(weights);
    expect(chosen!.name).toBe('r2');
  });

  it('are refused outside of the folder, whichever way it is left', async () => {
    await writeWeights(join(folder, 'outside.bin'));
    await symlink(join(folder, 'outside.bin'), join(folder, 'models', 'link.bin'));
    await symlink(folder, join(folder, 'models', 'up'));
    for (const location of [
      '../outside.bin',
      'data/../../outside.bin',
      '..\\outside.bin',
      join(folder, 'outside.bin'),
      'C:\\outside.bin',
      '\\\\server\\share\\outside.bin',
      'link.bin',
      'up/outside.bin',
      '',
    ]) {
      await writeModel(location);
      await expect(load(model), location).rejects.toMatchObject({
        code: 'ERR_EXTERNAL_DATA',
        message: expect.stringMatching(/folder/),
      });
    }
  });

  it('are named when they are missing, truncated, no file, or fit no shape', async () => {
    const refused = (message: RegExp) =>
      expect(load(model)).rejects.toMatchObject({ code: 'ERR_EXTERNAL_DATA', message: expect.stringMatching(message) });
    await writeModel('weights.bin');
    await refused(/missing: "weights.bin"/);
    await writeWeights(join(folder, 'models', 'weights.bin'));
    await truncate(join(folder, 'models', 'weights.bin'), 100);
    await refused(/holds 100 bytes.*truncated/);
    await writeModel('data');
    await refused(/no ordinary file/);
    await writeModel('weights.bin', { length: '12' });
    await refused(/"w1" needs 432 bytes; the model refers to 12/);
    await writeModel('weights.bin', { offset: '-4' });
    await refused(/offset -4/);
    await writeModel('weights.bin', { offset: '1e300' });
    await refused(/offset/);
  });

  it('are at whole numbers of bytes, which the file holds', async () => {
    await writeWeights(join(folder, 'models', 'weights.bin'));
    const most = String(2 ** 53 - 1);
    for (const offset of [
      '-1',
      '',
      ' 64',
      '1e1',
      '0x40',
      '64.0',
      'NaN',
      '99999999999999999999',
      most,
      '9'.repeat(400),
    ]) {
      await writeModel('weights.bin', { offset });
      await expect(load(model), offset).rejects.toMatchObject({ code: 'ERR_EXTERNAL_DATA' });
    }
    for (const length of ['-432', '432.0', '0x1b0', '18446744073709551616']) {
      await writeModel('weights.bin', { length });
      await expect(load(model), length).rejects.toMatchObject({ code: 'ERR_EXTERNAL_DATA' });
    }
  });

  it('far from each other are read without what lies between', async () => {
    const spec = residualSpec();
    const external = (dims: bigint[], offset: number) =>
      create(TensorProtoSchema, {
        dims,
        dataType: DataType.FLOAT,
        dataLocation: DataLocation.EXTERNAL,
        externalData: Object.entries({ location: 'weights.bin', offset: String(offset) }).map(([key, value]) =>
          create(StringStringEntryProtoSchema, { key, value }),
        ),
      });
    const far = 2 ** 40;
    await writeWeights(join(folder, 'models', 'weights.bin'));
    await truncate(join(folder, 'models', 'weights.bin'), far + 576);
    const initializers = {
      ...spec.initializers,
      w1: external([4n, 3n, 3n, 3n], OFFSET),
      w2: external([4n, 4n, 3n, 3n], far),
    };
    await writeFile(model, buildModel({ ...spec, initializers }));
    const { graph } = await load(model);
    expect(readFloat32(graph.initializers.get('w1')!)).toEqual(weights);
    expect(readFloat32(graph.initializers.get('w2')!)).toEqual(new Float32Array(144));
  });

  it('larger than any memory are refused before they are read', async () => {
    const spec = residualSpec();
    await writeFile(join(folder, 'models', 'weights.bin'), '');
    await truncate(join(folder, 'models', 'weights.bin'), 2 ** 43);
    const huge = (dims: bigint[]) =>
      create(TensorProtoSchema, {
        dims,
        dataType: DataType.FLOAT,
        dataLocation: DataLocation.EXTERNAL,
        externalData: [create(StringStringEntryProtoSchema, { key: 'location', value: 'weights.bin' })],
      });
    const withWeights = (all: Record<string, ReturnType<typeof huge>>) =>
      writeFile(model, buildModel({ ...spec, initializers: { ...spec.initializers, ...all } }));
    await withWeights({ w1: huge([2n ** 40n]) });
    await expect(load(model)).rejects.toMatchObject({ code: 'ERR_MODEL_UNSUPPORTED' });
    await withWeights({ w1: huge([2n ** 62n, 4n]) });
    await expect(load(model)).rejects.toMatchObject({ code: 'ERR_MODEL_UNSUPPORTED' });
    await withWeights({ w1: huge([-1n, -108n]) });
    await expect(load(model)).rejects.toMatchObject({ code: 'ERR_MODEL_INVALID' });
    const many = Array.from({ length: 1000 }, (_, i) => [`huge${i}`, huge([2n ** 31n])] as const);
    await withWeights(Object.fromEntries(many));
    await expect(load(model)).rejects.toMatchObject({
      code: 'ERR_EXTERNAL_DATA',
      message: expect.stringMatching(/memory/),
    });
  });

  it('cannot be found for a model given as bytes', async () => {
    await writeModel('weights.bin');
    await expect(load(await readFile(model))).rejects.toMatchObject({
      code: 'ERR_EXTERNAL_DATA',
      message: expect.stringMatching(/load the model by its path/),
    });
  });
});
