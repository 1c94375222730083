/** Every family of network × every method that can be exported: the same maps as `explain` gives. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exportableMethods } from '../../lib/export/exportable.ts';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { describeValue } from '../../lib/model/graph/value-info.ts';
import { expectError } from '../helpers/expect-error.ts';
import { compareWithExplain, furthest, imageOf, noiseFor, nthOf, openExported } from '../helpers/exported-model.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { createOrtSession } from '../helpers/ort-session.ts';

const open = explainerOpener();

/** File, and whether the number of images stays open. */
const FAMILIES: readonly (readonly [file: string, batch: 'open' | 'fixed'])[] = [
  ['../../assets/efficientnet-lite0.onnx', 'open'],
  ['foreign/keras-tf2onnx-13.onnx.gz', 'open'],
  ['foreign/paddle-11.onnx.gz', 'open'],
  ['foreign/zoo-alexnet-7.onnx.gz', 'open'],
  ['foreign/zoo-pyramid-9.onnx.gz', 'open'],
  ['foreign/zoo-squeezenet-8.onnx.gz', 'open'],
  ['fused/vit-plain.onnx.gz', 'open'],
  ['fused/vit-extended.onnx.gz', 'open'],
  ['fused/rms-transformers.onnx.gz', 'open'],
  ['fused/swin-opset23-extended.onnx.gz', 'open'],
  ['attention/class-token-dynamo.onnx.gz', 'open'],
  ['attention/mean-pooled-legacy.onnx.gz', 'open'],
  ['attention/registers-legacy.onnx.gz', 'open'],
  ['attention/torchvision-dynamo.onnx.gz', 'open'],
  ['quantised/qdq.onnx.gz', 'open'],
  ['quantised/qoperator.onnx.gz', 'open'],
  // Activations quantised at run time get one scale for all images.
  ['quantised/dynamic.onnx.gz', 'fixed'],
  ['volumes/volumes-legacy.onnx.gz', 'open'],
  ['volumes/clips-dynamo.onnx.gz', 'fixed'],
  ['volumes/clips-legacy.onnx.gz', 'open'],
  ['detection/yolov8.onnx', 'open'],
  ['detection/ssd.onnx', 'open'],
];

describe.each(FAMILIES)('%s', (file, batch) => {
  const read = () => {
    const bytes = readFileSync(new URL(file, new URL('../golden/', import.meta.url)));
    return file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  };

  it('gives the maps of explain, of classes that differ from image to image', { timeout: 60_000 }, async () => {
    const bytes = read();
    const own = parseModel(bytes);
    const cam = await open(bytes);
    const methods = exportableMethods();
    const unsupported = cam.unsupported(methods);
    const differences: Record<string, number> = {};
    for (const method of methods) {
      if (unsupported.has(method)) {
        await expect(cam.export({ method })).rejects.toThrow(unsupported.get(method)!.message);
        continue;
      }
      if (batch === 'fixed' && method === 'recipro-cam') {
        await expectError(() => cam.export({ method }), 'ERR_METHOD_UNSUPPORTED', 'takes 1 image at once');
        continue;
      }
      for (const map of ['layer', 'input'] as const) {
        const options = { method, map, target: 'input' };
        const exported = await openExported(cam, options);
        const images = noiseFor(exported);
        const count = images.dims[0]!;
        const [declared] = describeValue(own.inputs[0]!).dims!;
        expect(count).toBe(typeof declared === 'number' ? declared : batch === 'open' ? 3 : 1);
        const classes = [2n, -1n, 0n].slice(0, count);
        const targets = classes.map(one => (one === -1n ? 'top1' : Number(one)));
        const feeds = { cam_class: { type: 'int64', data: BigInt64Array.from(classes), dims: [count] } } as const;
        const { difference, outputs } = await compareWithExplain(cam, options, { exported, images, targets, feeds });
        differences[`${method} ${map}`] = difference;
        expect(exported.outputs.map(({ name }) => name)).toEqual([
          ...own.outputs.map(({ name }) => name),
          'saliency_map',
        ]);
        expect(outputs.saliency_map!.dims.slice(0, 2)).toEqual([count, 1]);
      }
    }
    expect(Object.entries(differences).filter(([, difference]) => !(difference < 1e-5))).toEqual([]);
    expect(Object.keys(differences).length).toBeGreaterThan(10);
  });

  it('leaves the model’s own outputs as they were', async () => {
    const bytes = read();
    const cam = await open(bytes);
    const exported = await openExported(cam, { method: 'activation-mean' });
    const plain = await createOrtSession(bytes, { graphOptimizationLevel: 'all' });
    onTestFinished(() => plain.dispose());
    const input = exported.inputs[0]!.name;
    const images = noiseFor(exported);
    const found = await exported.run({ [input]: images });
    const names = exported.outputs.map(({ name }) => name).slice(0, -1);
    for (let n = 0; n < images.dims[0]!; n++) {
      const alone = await plain.run({ [input]: imageOf(images, n) }, names);
      for (const name of names) {
        const values = Float32Array.from(alone[name]!.data as Float32Array);
        const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
        expect(furthest(nthOf(found[name]!, n), values) / scale).toBeLessThan(1e-5);
      }
    }
  });
});
