/** What goes into an exported model: its own inputs, of open and fixed sizes, or pictures. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { TENSOR_ARRAYS, type Tensor, type TensorType } from '../../lib/engine/tensor.ts';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { codeOfType, numberToHalf } from '../../lib/model/graph/tensor-values.ts';
import { anySizeModel } from '../helpers/any-size-model.ts';
import { expectError } from '../helpers/expect-error.ts';
import { one, plainModel, plainSpec } from '../helpers/explain-models.ts';
import {
  compareWithExplain,
  furthest,
  imageOf,
  noiseFor,
  nthOf,
  openExported,
  stretchedRaw,
} from '../helpers/exported-model.ts';
import { bundledModel } from '../helpers/golden-methods.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const picture = fileURLToPath(new URL('../../assets/pictures/rocket.jpg', import.meta.url));
const images = { type: 'float32', data: noise([3, 3, 16, 16], 4).data, dims: [3, 3, 16, 16] } as const;

describe('the image input', () => {
  const cast = (from: string, to: string) => makeNode('Cast', [from], [to], { to: codeOfType('float32') });
  const models: readonly (readonly [
    string,
    TensorType,
    readonly (number | string)[],
    ReturnType<typeof makeNode>[],
  ])[] = [
    ['uint8', 'uint8', ['N', 3, 16, 16], [cast('image', 'x')]],
    ['float16', 'float16', ['N', 3, 16, 16], [cast('image', 'x')]],
    [
      'uint8 with channels last',
      'uint8',
      ['N', 16, 16, 3],
      [cast('image', 'g'), makeNode('Transpose', ['g'], ['x'], { perm: [0, 3, 1, 2] })],
    ],
    ['one picture without a batch', 'float32', [3, 16, 16], [makeNode('Unsqueeze', ['image'], ['x'], { axes: [0] })]],
  ];
  it.each(models)('%s stays what it is', async (_, type, dims, nodes) => {
    const spec = plainSpec();
    const cam = await open(
      buildModel({ ...spec, opset: 11, nodes: [...nodes, ...spec.nodes], inputs: [{ name: 'image', type, dims }] }),
      { preprocess: 'raw' },
    );
    for (const map of ['layer', 'input'] as const) {
      const exported = await openExported(cam, { map });
      expect(exported.inputs[0]).toEqual({ name: 'image', type, dims });
      const size = dims.map(dim => (typeof dim === 'number' ? dim : 1));
      const values = Array.from({ length: 768 }, (_, i) => (i * 37) % 113);
      const data = (TENSOR_ARRAYS[type] as typeof Uint8Array).from(
        type === 'float16' ? values.map(numberToHalf) : values,
      );
      const { saliency_map: found } = await exported.run({ image: { type, data, dims: size } as Tensor });
      const tensor = {
        type: 'float32',
        data: Float32Array.from(values),
        dims: size.length === 3 ? [1, ...size] : size,
      } as const;
      const explanation = one(await cam.explain(tensor, { mapSize: map }));
      const expected = map === 'layer' ? stretchedRaw(explanation) : explanation.map.data;
      expect(furthest(nthOf(found!, 0), expected)).toBeLessThan(1e-5);
    }
  });

  it('of grey pictures without a channel axis stays what it is, for any number of them', async () => {
    const spec = plainSpec({ channels: 1, size: ['H', 'W'] });
    const before = makeNode('Unsqueeze', ['image'], ['x'], { axes: [1] });
    const cam = await open(
      buildModel({
        ...spec,
        opset: 11,
        nodes: [before, ...spec.nodes],
        inputs: [{ name: 'image', dims: ['N', 'H', 'W'] }],
      }),
      { preprocess: { size: [16, 12] } },
    );
    const exported = await openExported(cam, { target: 'input' });
    expect(exported.inputs[0]).toEqual({ name: 'image', type: 'float32', dims: ['N', 12, 16] });
    const { data } = noise([2, 12, 16], 9);
    const feeds = {
      image: { type: 'float32', data, dims: [2, 12, 16] },
      cam_class: { type: 'int64', data: BigInt64Array.of(1n, -1n), dims: [2] },
    } as const;
    const { saliency_map: found } = await exported.run(feeds);
    for (const [n, target] of [1, 'top1'].entries()) {
      const image = { type: 'float32', data: data.slice(n * 192, (n + 1) * 192), dims: [1, 12, 16] } as const;
      const explanation = one(await cam.explain(image, { target, mapSize: 'layer' }));
      expect(furthest(nthOf(found!, n), explanation.map.data)).toBeLessThan(1e-5);
    }
  });

  it('of any size stays open where the graph is the same for all', async () => {
    const cam = await open(anySizeModel());
    const exported = await openExported(cam, { method: 'activation-mean', map: 'input' });
    expect(exported.inputs[0]!.dims).toEqual([expect.any(String), 3, expect.any(String), expect.any(String)]);
    for (const size of [96, 128]) {
      const some = noiseFor(exported, 2, size);
      const options = { method: 'activation-mean', map: 'input' } as const;
      const { difference } = await compareWithExplain(cam, options, { exported, images: some });
      expect(difference).toBeLessThan(1e-5);
    }
  });

  it('of any size is the one of loading where gradients hold its constants, and the file says so', async () => {
    const cam = await open(anySizeModel(), { preprocess: { size: [160, 96] } });
    const exported = await openExported(cam, { method: 'grad-cam', map: 'input' });
    expect(exported.inputs[0]!.dims).toEqual([expect.any(String), 3, 96, 160]);
    const some = noiseFor(exported, 2);
    const { difference } = await compareWithExplain(cam, { map: 'input' }, { exported, images: some });
    expect(difference).toBeLessThan(1e-5);
    expect(parseModel(exported.bytes).metadata.get('onnx_cam.notes')).toContain('160 × 96 alone');
  });

  it('of one image stays one: its outputs are declared as they were', async () => {
    const cam = await open(plainModel({ batch: 1 }));
    for (const method of ['grad-cam', 'recipro-cam']) {
      const exported = await openExported(cam, { method, target: 'input' });
      expect(exported.inputs.map(({ dims }) => dims)).toEqual([[1, 3, 16, 16], [1]]);
      expect(exported.outputs.map(({ dims }) => dims)).toEqual([
        [1, 5],
        [1, 1, 4, 4],
      ]);
      const image = imageOf(images, 0);
      const feeds = { cam_class: { type: 'int64', data: BigInt64Array.of(2n), dims: [1] } } as const;
      const options = { method, target: 'input' };
      const { difference } = await compareWithExplain(cam, options, { exported, images: image, targets: [2], feeds });
      expect(difference).toBeLessThan(1e-5);
    }
  });

  it('of a fixed number of images stays fixed where the model cannot be opened', async () => {
    const cam = await open(plainModel({ batch: 2 }));
    const exported = await openExported(cam, { target: 'input' });
    expect(exported.inputs.map(({ dims }) => dims)).toEqual([[2, 3, 16, 16], [2]]);
    const two = { type: 'float32', data: images.data.slice(0, 2 * 768), dims: [2, 3, 16, 16] } as const;
    const outputs = await exported.run({
      x: two,
      cam_class: { type: 'int64', data: BigInt64Array.of(3n, -1n), dims: [2] },
    });
    for (const [n, target] of [3, 'top1'].entries()) {
      const explanation = one(await cam.explain(imageOf(two, n), { target, mapSize: 'layer' }));
      expect(furthest(nthOf(outputs.saliency_map!, n), explanation.map.data)).toBeLessThan(1e-5);
    }
  });
});

it('other inputs are of the sizes that they were looked at with; what belongs to each image stays open', async () => {
  const model = buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
      makeNode('Relu', ['c'], ['a']),
      makeNode('GlobalAveragePool', ['a'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Mul', ['f', 'gate'], ['g']),
      makeNode('Transpose', ['texts'], ['t'], { perm: [1, 0] }),
      makeNode('MatMul', ['g', 't'], ['y']),
    ],
    inputs: [
      { name: 'x', dims: ['N', 3, 8, 8] },
      { name: 'texts', dims: ['T', 4] },
      { name: 'gate', dims: ['N', 4] },
    ],
    outputs: [{ name: 'y', dims: ['N', 'T'] }],
    initializers: { w: noise([4, 3, 3, 3], 3) },
  });
  const texts = { type: 'float32', data: noise([3, 4], 6).data, dims: [3, 4] } as const;
  const gate = { type: 'float32', data: Float32Array.of(1, 2, 0.5, 1), dims: [1, 4] } as const;
  const cam = await open(model, { input: 'x', inputs: { texts, gate } });
  const exported = await openExported(cam, { method: 'hirescam', target: 'input' });
  expect(exported.inputs.map(({ name, dims }) => [name, dims])).toEqual([
    ['x', ['N', 3, 8, 8]],
    ['texts', [3, 4]],
    ['gate', ['N', 4]],
    ['cam_class', ['N']],
  ]);
  const two = { type: 'float32', data: noise([2, 3, 8, 8], 8).data, dims: [2, 3, 8, 8] } as const;
  const gates = { ...gate, data: Float32Array.of(...gate.data, ...gate.data), dims: [2, 4] };
  const feeds = {
    texts,
    gate: gates,
    cam_class: { type: 'int64', data: BigInt64Array.of(2n, -1n), dims: [2] },
  } as const;
  const options = { method: 'hirescam', target: 'input' };
  const { difference } = await compareWithExplain(cam, options, { exported, images: two, targets: [2, 'top1'], feeds });
  expect(difference).toBeLessThan(1e-5);
});

describe('preprocess: true', () => {
  it.each([
    ['of the bundled model', undefined, 'grad-cam'],
    ['a crop', { fit: 'crop', cropPct: 0.875 }, 'layer-cam'],
    ['a letterbox, bicubic', { fit: 'letterbox', interpolation: 'bicubic' }, 'hirescam'],
  ] as const)('takes pictures of any size: %s', async (_, preprocess, method) => {
    const cam = await open(bundledModel, preprocess && { preprocess });
    const exported = await openExported(cam, { preprocess: true, map: 'input', method });
    expect(exported.inputs).toEqual([
      { name: 'input', type: 'uint8', dims: ['batch', expect.any(String), expect.any(String), 3] },
    ]);
    const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const dims = [1, info.height, info.width, 3];
    const outputs = await exported.run({ input: { type: 'uint8', data: new Uint8Array(data), dims } });
    const [best] = await cam.predict(picture, { topK: 1 });
    const logits = outputs[exported.outputs[0]!.name]!.data as Float32Array;
    expect(logits.indexOf(Math.max(...logits))).toBe(best!.index);
    expect(Math.max(...logits)).toBeCloseTo(best!.score, 3);
    const explanation = one(await cam.explain(picture, { method, mapSize: 'input' }));
    expect(furthest(nthOf(outputs.saliency_map!, 0), explanation.map.data)).toBeLessThan(1e-3);
  });

  it('is not for volumes', async () => {
    const cam = await open(
      gunzipSync(readFileSync(new URL('../golden/volumes/volumes-legacy.onnx.gz', import.meta.url))),
    );
    await expectError(() => cam.export({ preprocess: true }), 'ERR_MODEL_UNSUPPORTED', 'volumes or clips');
  });
});
