import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';

const golden = new URL('../../test/golden/', import.meta.url);

/**
 * What mutants are made of: folder, files, and how likely the family is. Small and quick ones come more often.
 * Plain CNNs, residual networks, a transformer and a segmentation network are the sound files of `hostile`.
 */
const FAMILIES = [
  [8, 'hostile', /_sound\.onnx$/],
  [2, 'f0', /\.onnx$/],
  [3, 'relevance', /\.onnx$/],
  [2, 'quantised', /\.onnx\.gz$/],
  [2, 'volumes', /\.onnx\.gz$/],
  [1, 'segmentation', /\.onnx$/],
  [1, 'detection', /\.onnx$/],
  [1, 'attention', /(class-token|mean-pooled)-.*\.onnx\.gz$/],
  [1, 'foreign', /(squeezenet-8|pyramid-7|pyramid-9|resnet-9|keras-tf2onnx-13|paddle-11)\.onnx\.gz$/],
];

/** [weight, { name, bytes, dims, open }] of every seed: what its image input takes, and whether of any size. */
export function readSeeds() {
  return FAMILIES.flatMap(([weight, folder, wanted]) => {
    const names = readdirSync(new URL(folder, golden)).filter(name => wanted.test(name));
    if (names.length === 0) throw new Error(`no seed models in test/golden/${folder}`);
    return names.sort().map(name => {
      const stored = readFileSync(new URL(`${folder}/${name}`, golden));
      const bytes = new Uint8Array(name.endsWith('.gz') ? gunzipSync(stored) : stored);
      return [weight / names.length, { name: `${folder}/${name}`, bytes, ...imageInput(bytes) }];
    });
  });
}

/** With 1 image, and small where a size is open. */
function imageInput(bytes) {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  const weights = new Set(graph.initializer.map(({ name }) => name));
  const { dim } = graph.input.find(({ name }) => !weights.has(name)).type.value.value.shape;
  const small = [1, 3, ...dim.slice(2).map(() => 32)];
  const dims = dim.map(({ value }, axis) =>
    value.case === 'dimValue' && value.value > 0n ? Number(value.value) : small[axis],
  );
  return { dims, open: dim.slice(2).some(({ value }) => value.case !== 'dimValue') };
}
