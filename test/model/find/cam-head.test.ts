import { describe, expect, it } from 'vitest';
import { findCamHead } from '../../../lib/model/find/cam-head.ts';
import { type GraphNode, makeNode } from '../../../lib/model/graph/graph.ts';
import { numberToHalf } from '../../../lib/model/graph/tensor-values.ts';
import { load } from '../../helpers/load.ts';
import { buildModel, int64, noise, type WeightSpec } from '../../helpers/model-builder.ts';
import { residualModel, tensorFlowModel, vggModel } from '../../helpers/small-models.ts';

/** Relu output `r` [N,4,8,8] followed by the given head to `y`. */
async function headOf(nodes: GraphNode[], initializers: Record<string, WeightSpec>, opset = 17) {
  const model = await load(
    buildModel({
      opset,
      nodes: [makeNode('Conv', ['x', 'w'], ['c']), makeNode('Relu', ['c'], ['r']), ...nodes],
      inputs: [{ name: 'x', dims: ['N', 3, 8, 8] }],
      outputs: [{ name: 'y' }],
      initializers: { w: noise([4, 3, 1, 1]), ...initializers },
    }),
  );
  const layer = model.layers.find(({ name }) => name === 'r')!;
  return findCamHead(model.graph, model.facts, layer, model.logits);
}

const classifier = noise([5, 4], 9);
const row2 = classifier.data.subarray(8, 12);
const byChannel = {
  dims: [4, 5],
  data: Float32Array.from({ length: 20 }, (_, i) => classifier.data[(i % 5) * 4 + Math.floor(i / 5)]!),
};
const half = { dims: [5, 4], type: 'float16' as const, data: Uint16Array.from(classifier.data, numberToHalf) };
const pool = makeNode('GlobalAveragePool', ['r'], ['p']);
const flatten = makeNode('Flatten', ['p'], ['f']);

describe('findCamHead', () => {
  it.each<[string, GraphNode[], Record<string, WeightSpec>]>([
    [
      'Gemm',
      [pool, flatten, makeNode('Gemm', ['f', 'k', 'b'], ['y'], { transB: 1 })],
      { k: classifier, b: noise([5]) },
    ],
    ['Gemm, matrix the other way', [pool, flatten, makeNode('Gemm', ['f', 'k'], ['y'])], { k: byChannel }],
    [
      'ReduceMean, Dropout, MatMul, Add, Softmax',
      [
        makeNode('ReduceMean', ['r'], ['p'], { axes: [-1, -2], keepdims: 0 }),
        makeNode('Dropout', ['p'], ['d']),
        makeNode('MatMul', ['d', 'k'], ['m']),
        makeNode('Add', ['m', 'b'], ['z']),
        makeNode('Softmax', ['z'], ['y']),
      ],
      { k: byChannel, b: noise([5]) },
    ],
    [
      'a transposed weight',
      [pool, flatten, makeNode('Transpose', ['k'], ['kt'], { perm: [1, 0] }), makeNode('MatMul', ['f', 'kt'], ['y'])],
      { k: classifier },
    ],
    [
      '1×1 convolution after the pooling',
      [pool, makeNode('Conv', ['p', 'k'], ['q']), makeNode('Reshape', ['q', 'shape'], ['y'])],
      { k: { dims: [5, 4, 1, 1], data: classifier.data }, shape: int64(0, -1) },
    ],
    [
      '1×1 convolution before the pooling',
      [
        makeNode('Conv', ['r', 'k', 'b'], ['q']),
        makeNode('GlobalAveragePool', ['q'], ['p']),
        makeNode('Flatten', ['p'], ['y']),
      ],
      { k: { dims: [5, 4, 1, 1], data: classifier.data }, b: noise([5]) },
    ],
    [
      'average pooling with a window of the whole map',
      [
        makeNode('AveragePool', ['r'], ['p'], { kernel_shape: [8, 8] }),
        flatten,
        makeNode('Gemm', ['f', 'k'], ['y'], { transB: 1 }),
      ],
      { k: classifier },
    ],
  ])('finds %s', async (_name, nodes, weights) => {
    const head = await headOf(nodes, weights);
    expect(head).toMatchObject({ classes: 5, channels: 4 });
    expect(head!.row(2)).toEqual(row2);
  });

  it('reads weights kept in half precision', async () => {
    const cast = makeNode('Cast', ['k'], ['kf'], { to: 1 });
    const head = await headOf([pool, flatten, cast, makeNode('Gemm', ['f', 'kf'], ['y'], { transB: 1 })], { k: half });
    head!.row(2).forEach((value, index) => {
      expect(value).toBeCloseTo(row2[index]!, 3);
    });
  });

  it('needs no classifier where every class has a map', async () => {
    const head = await headOf([pool, makeNode('Flatten', ['p'], ['y'])], {});
    expect(Array.from(head!.row(3))).toEqual([0, 0, 0, 1]);
  });

  it('works across a change of layout and on whole models', async () => {
    const nhwc = await load(tensorFlowModel());
    const layer = nhwc.layers.find(({ name }) => name === 'u')!;
    expect(findCamHead(nhwc.graph, nhwc.facts, layer, nhwc.logits)).toMatchObject({ classes: 5, channels: 4 });
    const resnet = await load(residualModel());
    expect(findCamHead(resnet.graph, resnet.facts, resnet.chosen!, resnet.logits)).toMatchObject({ classes: 5 });
  });

  it('refuses heads that CAM is not defined for', async () => {
    const vgg = await load(vggModel());
    expect(findCamHead(vgg.graph, vgg.facts, vgg.chosen!, vgg.logits)).toBeUndefined();
    const twoLayers = [
      pool,
      flatten,
      makeNode('Gemm', ['f', 'k'], ['g'], { transB: 1 }),
      makeNode('Relu', ['g'], ['h']),
      makeNode('Gemm', ['h', 'k2'], ['y']),
    ];
    expect(await headOf(twoLayers, { k: classifier, k2: noise([5, 5]) })).toBeUndefined();
    const reluBetween = [
      makeNode('Conv', ['r', 'k'], ['q']),
      makeNode('Relu', ['q'], ['s']),
      makeNode('GlobalAveragePool', ['s'], ['p']),
      makeNode('Flatten', ['p'], ['y']),
    ];
    expect(await headOf(reluBetween, { k: { dims: [5, 4, 1, 1], data: classifier.data } })).toBeUndefined();
    const maxPool = [
      makeNode('GlobalMaxPool', ['r'], ['p']),
      flatten,
      makeNode('Gemm', ['f', 'k'], ['y'], { transB: 1 }),
    ];
    expect(await headOf(maxPool, { k: classifier })).toBeUndefined();
    const rows = [
      makeNode('ReduceMean', ['r'], ['p'], { axes: [2] }),
      flatten,
      makeNode('Gemm', ['f', 'k'], ['y'], { transB: 1 }),
    ];
    expect(await headOf(rows, { k: noise([5, 32]) })).toBeUndefined();
  });
});
