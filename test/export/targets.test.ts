/** What an exported model may explain: the maps of `explain` for the same target. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../lib/model/graph/graph.ts';
import {
  binary,
  contrast,
  detection,
  graph,
  logProbability,
  negative,
  output,
  probability,
  regression,
  segmentation,
  similarity,
  type TargetInput,
  topK,
  weighted,
} from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { plainModel, positiveTensor, transparentModel } from '../helpers/explain-models.ts';
import { compareWithExplain, openExported } from '../helpers/exported-model.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const images = positiveTensor([3, 3, 4, 4]);
const vector = [0.5, -1, 2, 0.25, 1];

async function expectSame(cam: Awaited<ReturnType<typeof open>>, target: TargetInput, methods = ['hirescam']) {
  for (const method of methods) {
    const options = { method, target } as const;
    const exported = await openExported(cam, options);
    expect(exported.inputs).toHaveLength(1);
    const { difference } = await compareWithExplain(cam, options, { exported, images });
    expect(difference).toBeLessThan(1e-5);
  }
}

describe('targets of classifiers', () => {
  const head = buildModel({
    nodes: [makeNode('MatMul', ['y', 'w'], ['score'])],
    inputs: [{ name: 'y', dims: ['N', 5] }],
    outputs: [{ name: 'score', dims: ['N', 1] }],
    initializers: { w: { dims: [5, 1], data: [0, 1, 0, -0.5, 0] } },
  });
  const targets: readonly (readonly [string, TargetInput])[] = [
    ['a class', 2],
    ['top1', 'top1'],
    ['a contrast of fixed classes', contrast(1, 3, 0.5)],
    ['a contrast of the best class', contrast('top1', 3)],
    ['a negative', negative(2)],
    ['a probability', probability(1)],
    ['a logarithm of a probability', logProbability(4)],
    [
      'a weighted sum with ranks',
      weighted([
        ['top1', 1],
        [0, -0.5],
        [probability('top1'), 2],
      ]),
    ],
    ['a regression value', regression(1)],
    ['a similarity to a vector', similarity(vector)],
    [
      'a difference of similarities',
      weighted([
        [similarity(vector), 1],
        [similarity([1, 0, 0, 1, 0]), -1],
      ]),
    ],
    ['a similarity to a picture', similarity(positiveTensor([1, 3, 4, 4], 7))],
    ['a named output', output('y', 3)],
    ['a scoring graph', graph(head)],
  ];
  it.each(targets)('%s', async (_, target) => {
    const cam = await open(transparentModel());
    await expectSame(cam, target, ['hirescam', 'grad-cam', 'layer-cam']);
  });

  it('binary targets of a single value', async () => {
    const cam = await open(transparentModel({ classes: 1, end: 'Sigmoid' }));
    for (const target of [binary(0), binary(1), probability(binary(0))]) await expectSame(cam, target);
  });

  it('CAM of fixed classes, ranks and sums of them', async () => {
    const cam = await open(plainModel());
    const noiseImages = { type: 'float32', data: noise([3, 3, 16, 16], 4).data, dims: [3, 3, 16, 16] } as const;
    for (const target of [2, 'top1', contrast('top1', 1), contrast(0, 1)]) {
      const options = { method: 'cam', target };
      const exported = await openExported(cam, options);
      const { difference } = await compareWithExplain(cam, options, { exported, images: noiseImages });
      expect(difference).toBeLessThan(1e-5);
    }
  });
});

describe('targets of other models', () => {
  const net = ({ end = '', classes = 5 } = {}) =>
    buildModel({
      nodes: [
        makeNode('Relu', ['x'], ['a']),
        makeNode('Conv', ['a', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
        makeNode('Tanh', ['c'], ['t']),
        makeNode('Conv', ['t', 'v'], [end ? 'z' : 'y']),
        ...(end ? [makeNode(end, ['z'], ['y'], end === 'Sigmoid' ? {} : { axis: 1 })] : []),
      ],
      inputs: [{ name: 'x', dims: ['N', 3, 4, 4] }],
      outputs: [{ name: 'y', dims: ['N', classes, 4, 4] }],
      initializers: { w: noise([4, 3, 3, 3], 31, 0.6), v: noise([classes, 4, 1, 1], 32) },
    });
  it.each([
    ['a box', { box: [1, 0, 2, 3] }],
    ['a point', { point: [3, 2] }],
    ['a mask', { mask: Array.from({ length: 16 }, (_, i) => i % 3 === 0), width: 4, height: 4 }],
    ['what is predicted', 'predicted'],
  ] as const)('segmentation of %s', async (_, region) => {
    for (const end of ['', 'Softmax', 'Sigmoid'])
      await expectSame(await open(net({ end })), segmentation({ classIndex: 2, region }), ['hirescam', 'grad-cam']);
  });

  it.each(['yolov5', 'yolov8', 'detr'])('detections of %s', async name => {
    const folder = new URL('../golden/detection/', import.meta.url);
    const golden = JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8'));
    const { size } = golden;
    const data = Float32Array.from(golden.inputs, (value: number) => value / 64).slice(0, 3 * size * size);
    const image = { type: 'float32', data, dims: [1, 3, size, size] } as const;
    const cam = await open(new URL(`${name}.onnx`, folder));
    const { classIndex, box, iou } = golden.nets[name].cases[0];
    for (const target of [1, detection({ classIndex, ...(box && { box, iou }) })]) {
      const options = { method: 'hirescam', target };
      const exported = await openExported(cam, options);
      const { difference } = await compareWithExplain(cam, options, { exported, images: image });
      expect(difference).toBeLessThan(1e-5);
    }
  });
});

describe('what is refused', () => {
  it('targets that stand for several, and those that the model has not', async () => {
    const cam = await open(transparentModel());
    await expectError(() => cam.export({ target: topK(2) }), 'ERR_OPTION_INVALID', 'gives one map');
    await expectError(() => cam.export({ target: 5 }), 'ERR_TARGET_RANGE');
    await expectError(() => cam.export({ target: 'zebra' }), 'ERR_TARGET_UNKNOWN');
    await expectError(() => cam.export({ target: segmentation({ classIndex: 1 }) }), 'ERR_MODEL_UNSUPPORTED');
  });
});
