/** Exported models in WebAssembly, as pages run them: the maps of `explain`, and the answers of the plain model. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as ort from 'onnxruntime-web';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { compareWithExplain, furthest, imageOf, noiseFor, nthOf, openExported } from '../helpers/exported-model.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();

ort.env.wasm.numThreads = 1;

async function webSession(bytes: Uint8Array) {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  onTestFinished(() => session.release());
  return async (feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> => {
    const inputs = Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      new ort.Tensor(type as 'float32', data as Float32Array, dims),
    ]);
    const outputs = await session.run(Object.fromEntries(inputs));
    return Object.fromEntries(session.outputNames.map(name => [name, outputs[name] as unknown as Tensor]));
  };
}

const MODELS: readonly (readonly [file: string, ...methods: string[]])[] = [
  ['../../assets/efficientnet-lite0.onnx', 'grad-cam', 'layer-cam', 'fem'],
  ['foreign/zoo-squeezenet-8.onnx.gz', 'grad-cam', 'cam', 'recipro-cam'],
  ['foreign/zoo-pyramid-9.onnx.gz', 'grad-cam++', 'xgrad-cam', 'eigen-cam'],
  ['attention/class-token-dynamo.onnx.gz', 'hirescam', 'attention-rollout', 'generic-attention', 'legrad'],
  ['quantised/qdq.onnx.gz', 'grad-cam', 'activation-mean'],
];

describe.each(MODELS)('%s', (file, ...methods) => {
  it.each(methods)('%s', { timeout: 60_000 }, async method => {
    const bytes = readFileSync(new URL(file, new URL('../golden/', import.meta.url)));
    const model = file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
    const cam = await open(model);
    const plain = await webSession(model);
    for (const map of ['layer', 'input'] as const) {
      const options = { method, map, target: 'input' };
      const elsewhere = await openExported(cam, options);
      const exported = { ...elsewhere, run: await webSession(elsewhere.bytes) };
      const images = noiseFor(exported);
      const count = images.dims[0]!;
      const classes = BigInt64Array.of(2n, -1n, 0n).slice(0, count);
      const targets = ([2, 'top1', 0] as const).slice(0, count);
      const feeds = { cam_class: { type: 'int64', data: classes, dims: [count] } } as const;
      const { difference, outputs } = await compareWithExplain(cam, options, { exported, images, targets, feeds });
      expect(difference).toBeLessThan(1e-5);
      const [own] = exported.outputs;
      for (let n = 0; n < count; n++) {
        const alone = await plain({ [exported.inputs[0]!.name]: imageOf(images, n) });
        const values = nthOf(alone[own!.name]!, 0);
        const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
        expect(furthest(nthOf(outputs[own!.name]!, n), values) / scale).toBeLessThan(1e-5);
      }
    }
  });
});
