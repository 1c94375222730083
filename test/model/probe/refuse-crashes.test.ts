import { describe, expect, it } from 'vitest';
import { load } from '../../../lib/load.ts';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { expectError } from '../../helpers/expect-error.ts';
import { noiseImage, plainSpec } from '../../helpers/explain-models.ts';
import { buildModel, type WeightSpec } from '../../helpers/model-builder.ts';

/** A network whose pictures go through a Resize (or Upsample) first. */
function resized(
  inputs: readonly string[],
  initializers: Record<string, WeightSpec>,
  { opset = 17, op = 'Resize', attributes = {} as Record<string, string | number[]> } = {},
) {
  const spec = plainSpec();
  return buildModel({
    ...spec,
    opset,
    nodes: [
      makeNode('Concat', ['part', 'part'], ['computed'], { axis: 0 }),
      makeNode(op, ['x', ...inputs], ['r'], attributes, { name: 'enlarge' }),
      ...spec.nodes.map((node, i) => (i === 0 ? { ...node, inputs: ['r', 'w1'] } : node)),
    ],
    initializers: { ...spec.initializers, part: { dims: [2], data: [1, 1] }, ...initializers },
  });
}

const floats = (dims: number[]): WeightSpec => ({
  dims,
  data: new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1),
});
const whole = (data: number[]): WeightSpec => ({ dims: [data.length], type: 'int64', data });

describe('a Resize that ONNX Runtime would not survive', () => {
  it('is invalid: scales, sizes and regions of another length than axes', async () => {
    // Some the runtime refuses itself, in its own words.
    const cases: [Parameters<typeof resized>, string][] = [
      [[['', 'x'], {}], 'of shape [1,3,16,16]'],
      [[['', 's'], { s: floats([5]) }], ''],
      [[['', 's'], { s: floats([2, 2]) }], ''],
      [[['', '', 'z'], { z: whole([1, 3, 16, 16, 16]) }], ''],
      [[['', 's'], { s: floats([3]) }, { opset: 18, attributes: { axes: [2, 3] } }], ''],
      [
        [
          ['roi', 's'],
          { roi: floats([4]), s: floats([4]) },
          { attributes: { coordinate_transformation_mode: 'tf_crop_and_resize' } },
        ],
        '',
      ],
      [[['s'], { s: floats([7]) }, { opset: 10 }], ''],
      [[['x'], {}, { opset: 9, op: 'Upsample' }], 'Upsample'],
    ];
    for (const [model, says] of cases)
      await expectError(() => load(resized(...model)), 'ERR_MODEL_INVALID', 'enlarge', says);
  });

  it('all others are explained, computed scales and empty ones too', async () => {
    const cases: Parameters<typeof resized>[] = [
      [['', 's'], { s: floats([4]) }],
      [['', 'computed'], {}],
      [['', 'none', 'z'], { none: floats([0]), z: whole([1, 3, 8, 8]) }],
      [['', 's'], { s: floats([2]) }, { opset: 18, attributes: { axes: [2, 3] } }],
    ];
    for (const model of cases) {
      await using cam = await load(resized(...model));
      expect((await cam.explain(noiseImage([1, 3, 16, 16]))).status).toBe('ok');
    }
  });
});

describe('a window over nothing', () => {
  it('is invalid: a pool and a convolution of one position', async () => {
    const spec = plainSpec();
    const pooled = buildModel({
      ...spec,
      nodes: [
        makeNode('GlobalMaxPool', ['x'], ['one']),
        makeNode('MaxPool', ['one'], ['none'], { kernel_shape: [2, 2] }, { name: 'shrink' }),
        ...spec.nodes.map((node, i) => (i === 0 ? { ...node, inputs: ['none', 'w1'] } : node)),
      ],
    });
    await expectError(() => load(pooled), 'ERR_MODEL_INVALID', 'MaxPool (node "shrink") works on nothing', '[1,3,0,0]');
  });
});
