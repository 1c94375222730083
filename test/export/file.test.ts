/** The file that is written: what it says of itself, and where its weights are. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  TensorProto_DataLocation as DataLocation,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
} from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportableMethods } from '../../lib/export/exportable.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { packageVersion } from '../../package-files.js';
import { expectError } from '../helpers/expect-error.ts';
import { one, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { openExported } from '../helpers/exported-model.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { createOrtSession } from '../helpers/ort-session.ts';

const open = explainerOpener();
const images = { type: 'float32', data: noise([1, 3, 16, 16], 4).data, dims: [1, 3, 16, 16] } as const;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-cam-export-'));
});
afterAll(() => rm(folder, { recursive: true }));

const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value });
const metadataOf = (bytes: Uint8Array) =>
  Object.fromEntries(fromBinary(ModelProtoSchema, bytes).metadataProps.map(({ key, value }) => [key, value]));

describe('what the file says', () => {
  it('is what the model said, and what was added', async () => {
    const model = fromBinary(ModelProtoSchema, plainModel());
    model.metadataProps.push(entry('author', 'someone'), entry('names', "{0: 'a', 1: 'b', 2: 'c', 3: 'd', 4: 'e'}"));
    Object.assign(model, { docString: 'a small network', domain: 'org.example', modelVersion: 7n });
    Object.assign(model.graph!, { name: 'small', docString: 'of two layers' });
    const cam = await open(toBinary(ModelProtoSchema, model));
    const { bytes } = await openExported(cam, { method: 'layercam', target: 'b', layer: 'relu1' });
    const written = fromBinary(ModelProtoSchema, bytes);
    expect(written).toMatchObject({
      docString: 'a small network',
      domain: 'org.example',
      modelVersion: 7n,
      producerName: 'onnx-cam',
      producerVersion: packageVersion(),
      graph: { name: 'small', docString: 'of two layers' },
    });
    expect(metadataOf(bytes)).toEqual({
      author: 'someone',
      names: "{0: 'a', 1: 'b', 2: 'c', 3: 'd', 4: 'e'}",
      'onnx_cam.version': packageVersion(),
      'onnx_cam.output': 'saliency_map',
      'onnx_cam.method': 'layer-cam',
      'onnx_cam.params': '{"relu":true,"eigenSmooth":false}',
      'onnx_cam.layer': 'r1',
      'onnx_cam.target': 'b',
      'onnx_cam.convention': 'paper',
    });
    const [own, map] = written.graph!.output;
    expect(own!.name).toBe('y');
    expect(map!.docString).toMatch(/^LayerCAM of "r1" for the target b: \[N,1,h,w\], float32 in \[0, 1\]/);
  });

  it('names standard operators of the model’s own opset alone', async () => {
    for (const opset of [7, 9, 11, 13, 17, 21]) {
      const cam = await open(buildModel({ ...plainSpec(), opset }));
      for (const method of ['grad-cam', 'recipro-cam', 'eigen-cam']) {
        const { bytes } = await openExported(cam, { method, target: 'input', map: 'input', uint8: true });
        const { opsetImport, graph } = fromBinary(ModelProtoSchema, bytes);
        expect(opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([['', opset]]);
        expect(new Set(graph!.node.map(({ domain }) => domain))).toEqual(new Set(['']));
      }
    }
  });

  it('is refused when it is exported again, and explains its own outputs when it is loaded', async () => {
    const cam = await open(plainModel());
    const { bytes } = await openExported(cam, { map: 'input', target: 'input' });
    const again = await open(bytes);
    await expectError(() => again.export(), 'ERR_MODEL_UNSUPPORTED', 'holds an explanation already');
    const options = { methods: ['grad-cam', 'cam', 'layer-cam', 'recipro-cam'], target: 'top1' };
    const expected = [await cam.explain(images, options)].flat(3);
    const found = [await again.explain(images, options)].flat(3);
    for (const [i, result] of found.entries()) {
      expect(result.layer).toEqual(expected[i]!.layer);
      expect(result.target).toEqual(expected[i]!.target);
      expect(Array.from(result.map.data)).toEqual(Array.from(expected[i]!.map.data));
    }
  });
});

it('docs/export.md lists the methods that there are', async () => {
  const page = await readFile(new URL('../../docs/export.md', import.meta.url), 'utf8');
  const [, list] = /<!-- methods -->(.*)<!-- \/methods -->/s.exec(page)!;
  expect([...list!.matchAll(/`([^`]+)`/g)].map(([, name]) => name)).toEqual(exportableMethods());
});

describe('weights', () => {
  /** The plain network with its weights in a file beside it. */
  async function besideModel(name: string) {
    const model = fromBinary(ModelProtoSchema, plainModel());
    const chunks: Uint8Array[] = [];
    let offset = 0;
    model.graph!.initializer = model.graph!.initializer.map(weight => {
      const { rawData } = weight;
      const length = rawData.byteLength;
      const at = offset;
      chunks.push(rawData);
      offset += length;
      return create(TensorProtoSchema, {
        name: weight.name,
        dims: weight.dims,
        dataType: weight.dataType,
        dataLocation: DataLocation.EXTERNAL,
        externalData: Object.entries({ location: `${name}.bin`, offset: at, length }).map(([key, value]) =>
          entry(key, `${value}`),
        ),
      });
    });
    await writeFile(join(folder, `${name}.bin`), Buffer.concat(chunks));
    const path = join(folder, `${name}.onnx`);
    await writeFile(path, toBinary(ModelProtoSchema, model));
    return { path, length: offset };
  }

  it('in files beside the model stay there', async () => {
    const { path } = await besideModel('beside');
    const cam = await open(path);
    const bytes = await cam.export({ map: 'input' });
    const { graph } = fromBinary(ModelProtoSchema, bytes);
    const outside = graph!.initializer.filter(({ dataLocation }) => dataLocation === DataLocation.EXTERNAL);
    expect(outside.map(({ name }) => name).sort()).toEqual(['bf', 'w1', 'w2', 'wf']);
    for (const weight of outside)
      expect(weight.externalData.find(({ key }) => key === 'location')!.value).toBe('beside.bin');
    const target = join(folder, 'beside-explained.onnx');
    await writeFile(target, bytes);
    const loaded = await open(target);
    const [own, of] = [one(await cam.explain(images)), one(await loaded.explain(images))];
    expect(Array.from(of.map.data)).toEqual(Array.from(own.map.data));
    const session = await createOrtSession(bytes, {
      externalFiles: { 'beside.bin': await readFile(join(folder, 'beside.bin')) },
    });
    const { saliency_map: map } = await session.run({ x: images }, ['saliency_map']);
    expect(map!.dims).toEqual([1, 1, 16, 16]);
    await session.dispose();
  });

  it('that nothing reads are left out', async () => {
    const spec = plainSpec();
    const cam = await open(
      buildModel({
        ...spec,
        nodes: [...spec.nodes, makeNode('Mul', ['y', 'unread'], ['nowhere'])],
        initializers: { ...spec.initializers, unread: { dims: [5], data: [1, 2, 3, 4, 5] } },
      }),
    );
    const { graph } = fromBinary(ModelProtoSchema, await cam.export());
    expect(graph!.initializer.map(({ name }) => name)).not.toContain('unread');
  });
});
