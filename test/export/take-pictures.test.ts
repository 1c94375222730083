import { describe, expect, it } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { takePictures } from '../../lib/export/take-pictures.ts';
import { prepareImage } from '../../lib/image/preprocess.ts';
import { type PreprocessOptions, resolvePreprocess } from '../../lib/image/preprocess-options.ts';
import { toFileBytes } from '../../lib/model/file/serialize-model.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { describeValue } from '../../lib/model/graph/value-info.ts';
import { wholeFor } from '../../lib/network/picture-values.ts';
import { expectError } from '../helpers/expect-error.ts';
import { plainModel, plainSpec } from '../helpers/explain-models.ts';
import { load } from '../helpers/load.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { largestDifference, texture } from '../image/pictures.ts';

async function scoresOf(model: Uint8Array, x: Tensor): Promise<Float32Array> {
  const session = await Session.create(model);
  try {
    const { y } = await session.run({ x }, ['y'], { copyOutputs: true });
    return y!.data as Float32Array;
  } finally {
    await session.dispose();
  }
}

/** The model's own file, and one that takes pictures. */
async function withPictures(bytes: Uint8Array, options: PreprocessOptions) {
  const model = await load(bytes, options.size ? { size: options.size } : {});
  const { layout, stored: type, ...rest } = model.input;
  const preprocess = resolvePreprocess(options, { ...rest, type, layout: layout === 'nhwc' ? layout : 'nchw' });
  const graph = model.graph.clone();
  takePictures(graph, new Map(model.facts), model, preprocess);
  return { model, preprocess, graph, bytes: toFileBytes(graph) };
}

/** A model that casts whole numbers before it computes: read with an input of floats. */
function wholeNumbers(): Uint8Array {
  const spec = plainSpec();
  const [first, ...more] = spec.nodes;
  const cast = makeNode('Cast', ['x'], ['floats'], { to: 1 }, { name: 'cast' });
  const nodes = [cast, { ...first!, inputs: ['floats', 'w1'] }, ...more];
  return buildModel({ ...spec, nodes, inputs: [{ name: 'x', type: 'int8', dims: ['N', 3, 16, 16] }] });
}

describe('a model that takes pictures', () => {
  it.each([
    ['colour', plainModel(), { resize: 20 }, ['N', 'picture_height', 'picture_width', 3]],
    ['grey', plainModel({ channels: 1 }), { padColor: 30 }, ['N', 'picture_height', 'picture_width', 3]],
    ['one image at once', plainModel({ batch: 1 }), {}, undefined],
    ['any size', plainModel({ size: ['h', 'w'] }), { size: [30, 22], interpolation: 'bicubic' }, undefined],
    ['whole numbers', wholeNumbers(), { mean: 0.5, std: 1 / 300 }, undefined],
  ] as const)('scores them as their preprocessed tensors: %s', async (_, file, options, dims) => {
    const { model, preprocess, graph, bytes } = await withPictures(file, options);
    const input = describeValue(graph.inputs.find(({ name }) => name === 'x')!);
    expect(input.type).toBe('uint8');
    if (dims) expect(input.dims).toEqual(dims);
    const picture = texture(45, 37);
    const { tensor } = await prepareImage(picture, preprocess);
    const values = wholeFor(model.input, tensor.data);
    const { stored } = model.input;
    const own = { type: stored, dims: tensor.dims, data: stored === 'int8' ? Int8Array.from(values) : values };
    const expected = await scoresOf(file, own as Tensor);
    const found = await scoresOf(bytes, { type: 'uint8', dims: [1, 37, 45, 3], data: Uint8Array.from(picture.data) });
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largestDifference(found, expected) / largest).toBeLessThan(1e-6);
  });

  it('is none for volumes', async () => {
    const bytes = buildModel({
      nodes: [
        makeNode('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1, 1, 1] }, { name: 'conv' }),
        makeNode('Relu', ['c'], ['r'], {}, { name: 'relu' }),
        makeNode('GlobalAveragePool', ['r'], ['p'], {}, { name: 'pool' }),
        makeNode('Flatten', ['p'], ['y'], {}, { name: 'flatten' }),
      ],
      inputs: [{ name: 'x', dims: ['N', 1, 4, 8, 8] }],
      outputs: [{ name: 'y', dims: ['N', 5] }],
      initializers: { w: noise([5, 1, 3, 3, 3], 3) },
    });
    await expectError(() => withPictures(bytes, { size: [8, 8] }), 'ERR_MODEL_UNSUPPORTED', 'volumes or clips');
  });
});
