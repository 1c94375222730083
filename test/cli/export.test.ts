import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { TensorProto_DataLocation as DataLocation, ModelProtoSchema, StringStringEntryProtoSchema } from 'onnx-buf';
import { beforeEach, describe, expect, it } from 'vitest';
import { load } from '../../lib/load.ts';
import { anySizeModel } from '../helpers/any-size-model.ts';
import { plainModel } from '../helpers/explain-models.ts';
import { runHere, temporaryFolder } from './harness.ts';

let folder: string;
let model: string;
let out: string;
beforeEach(() => {
  folder = temporaryFolder();
  model = join(folder, 'model.onnx');
  out = join(folder, 'explained.onnx');
  writeFileSync(model, plainModel());
});

const run = (...argv: string[]) => runHere(['export', ...argv], { library: { load } });

function written(path = out) {
  const { graph, metadataProps } = fromBinary(ModelProtoSchema, readFileSync(path));
  return {
    inputs: graph!.input.map(({ name }) => name),
    outputs: graph!.output.map(({ name }) => name),
    metadata: Object.fromEntries(metadataProps.map(({ key, value }) => [key, value])),
  };
}

describe('export', () => {
  it('writes what the options say and tells it', async () => {
    const { code, stdout, stderr } = await run(model, '-o', out);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      `${out}: grad-cam of r2 for top1\n  in:  x float32 [N,3,16,16]\n  out: y float32 [N,5], saliency_map float32 [N,1,4,4]\n`,
    );
    expect(written()).toMatchObject({ inputs: ['x'], outputs: ['y', 'saliency_map'] });
  });

  it('takes methods, parameters, layers, targets and the form of the map', async () => {
    const options = ['-m', 'fem', '--param', 'k=1.5', '-l', 'relu1', '-t', '3', '--map', 'input', '--uint8', '--json'];
    const { code, stdout } = await run(model, ...options, '-o', out);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      file: out,
      method: 'fem',
      layer: 'r1',
      target: '3',
      convention: 'paper',
      notes: [],
      inputs: [{ name: 'x', type: 'float32', dims: ['N', 3, 16, 16] }],
      outputs: [
        { name: 'y', type: 'float32', dims: ['N', 5] },
        { name: 'saliency_map', type: 'uint8', dims: ['N', 1, 16, 16] },
      ],
    });
    expect(JSON.parse(written().metadata['onnx_cam.params']!)).toMatchObject({ k: 1.5 });
  });

  it('takes the class as an input, layers of all stages, and pictures', async () => {
    const { code } = await run(
      model,
      '-m',
      'layer-cam',
      '-l',
      'stages',
      '-t',
      'input',
      '--preprocess',
      '--preset',
      'raw',
      '-o',
      out,
    );
    expect(code).toBe(0);
    expect(written().inputs).toEqual(['x', 'cam_class']);
    expect(written().metadata['onnx_cam.layer']).toBe('r1, r2');
  });

  it('warns of what people should know', async () => {
    writeFileSync(model, anySizeModel());
    const { code, stderr } = await run(model, '--size', '96x64', '-o', out);
    expect(code).toBe(0);
    expect(stderr).toContain('96 × 64 alone');
  });

  it('leaves nothing behind where it cannot write', async () => {
    const failures: readonly (readonly [string[], string])[] = [
      [['-m', 'score-cam', '-o', out], 'ERR_METHOD_UNSUPPORTED'],
      [['-t', 'top3', '-o', out], 'ERR_OPTION_INVALID'],
      [['-t', '77', '-o', out], 'ERR_TARGET_RANGE'],
      [['-o', model], 'ERR_USAGE'],
      [['-o', ''], 'ERR_USAGE'],
      [['--map', 'picture', '-o', out], 'ERR_USAGE'],
      [[], 'ERR_USAGE'],
      [['-o', join(model, 'inside.onnx')], 'ERR_OUTPUT'],
    ];
    for (const [options, expected] of failures) {
      const { code, stderr } = await run(model, ...options);
      expect(code).toBe(2);
      expect(stderr).toContain(expected);
    }
    expect(readdirSync(folder)).toEqual(['model.onnx']);
    expect(readFileSync(model)).toEqual(Buffer.from(plainModel()));
  });

  it('is refused for a model that was exported', async () => {
    await run(model, '-o', out);
    const { code, stderr } = await run(out, '-o', join(folder, 'again.onnx'));
    expect(code).toBe(2);
    expect(stderr).toContain('holds an explanation already');
  });

  it('keeps weights in their file: beside the model, or where they were copied', async () => {
    const proto = fromBinary(ModelProtoSchema, plainModel());
    const [weight] = proto.graph!.initializer;
    writeFileSync(join(folder, 'weights.bin'), weight!.rawData);
    const length = `${weight!.rawData.byteLength}`;
    weight!.rawData = new Uint8Array();
    weight!.dataLocation = DataLocation.EXTERNAL;
    weight!.externalData = Object.entries({ location: 'weights.bin', length }).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    writeFileSync(model, toBinary(ModelProtoSchema, proto));
    expect((await run(model, '-o', out)).code).toBe(0);
    const other = join(folder, 'other', 'explained.onnx');
    const { code, stderr } = await run(model, '-o', other);
    expect(code).toBe(2);
    expect(stderr).toContain('ERR_EXTERNAL_DATA');
    expect(existsSync(join(folder, 'other'))).toBe(false);
    mkdirSync(join(folder, 'other'));
    copyFileSync(join(folder, 'weights.bin'), join(folder, 'other', 'weights.bin'));
    expect((await run(model, '-o', other)).code).toBe(0);
    const cam = await load(other);
    expect(cam.layers().length).toBeGreaterThan(0);
    await cam.dispose();
  });
});
