import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import { describeInput, missingInputs, needsInputs } from '../../../lib/model/find/input.ts';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { buildModel, noise, type ValueSpec } from '../../helpers/model-builder.ts';
import { tensorFlowModel } from '../../helpers/small-models.ts';

function graphWith(inputs: ValueSpec[], first = makeNode('Identity', [inputs[0]!.name], ['y']), weights = {}) {
  const rest = inputs.slice(1).map((input, index) => makeNode('Identity', [input.name], [`o${index}`]));
  return parseModel(buildModel({ nodes: [first, ...rest], inputs, outputs: [{ name: 'y' }], initializers: weights }));
}

const image: ValueSpec = { name: 'x', dims: ['N', 3, 32, 48] };

describe('describeInput', () => {
  it('reads layout and sizes from the shape', () => {
    expect(describeInput(graphWith([image]))).toMatchObject({
      name: 'x',
      type: 'float32',
      layout: 'nchw',
      channels: 3,
      height: 32,
      width: 48,
      batch: undefined,
    });
    expect(describeInput(graphWith([{ name: 'x', type: 'uint8', dims: [1, 32, 48, 3] }]))).toMatchObject({
      type: 'uint8',
      layout: 'nhwc',
      height: 32,
      width: 48,
      batch: 1,
    });
    expect(describeInput(graphWith([{ name: 'x', dims: [1, 1, 8, 32, 48] }]))).toMatchObject({
      layout: 'ncdhw',
      channels: 1,
      depth: 8,
      height: 32,
      width: 48,
    });
  });

  it('takes what the shape leaves open from the first operators', () => {
    const open: ValueSpec = { name: 'x', dims: ['N', 'a', 'b', 'c'] };
    const transposed = makeNode('Transpose', ['x'], ['y'], { perm: [0, 3, 1, 2] });
    expect(describeInput(graphWith([open], transposed))).toMatchObject({ layout: 'nhwc', channels: 3 });
    const conv = makeNode('Conv', ['x', 'w'], ['y']);
    const weights = { w: noise([4, 1, 3, 3]) };
    expect(describeInput(graphWith([open], conv, weights))).toMatchObject({
      layout: 'nchw',
      channels: 1,
      height: undefined,
      width: undefined,
    });
    expect(describeInput(graphWith([{ name: 'x' }], conv, weights))).toMatchObject({ layout: 'nchw', channels: 1 });
    expect(describeInput(parseModel(tensorFlowModel()))).toMatchObject({ layout: 'nhwc', height: 16, width: 16 });
  });

  it('finds the image among other inputs once those have tensors', () => {
    const inputs = [image, { name: 'threshold', dims: [1] }];
    const threshold = { type: 'float32' as const, data: new Float32Array(1), dims: [1] };
    expect(describeInput(graphWith(inputs), { inputs: { threshold } }).name).toBe('x');
    const missing = missingInputs(graphWith(inputs), 'x', undefined);
    expect(needsInputs('x', missing).message).toMatch(/needs "threshold" float32\[1\]; .*`inputs`/);
  });

  it('refuses two images, strings, vectors and unknown names with what to do', () => {
    const second = { ...image, name: 'right' };
    const two = graphWith([image, second]);
    expect(() => describeInput(two)).toThrowError(
      expect.objectContaining({ code: 'ERR_MODEL_UNSUPPORTED', message: expect.stringMatching(/`input`.*`inputs`/) }),
    );
    const tensor = { type: 'float32' as const, data: new Float32Array(3 * 32 * 48), dims: [1, 3, 32, 48] };
    expect(describeInput(two, { input: 'right', inputs: { x: tensor } }).name).toBe('right');
    expect(() => describeInput(graphWith([{ name: 's', type: 'string', dims: ['N', 3, 4, 4] }]))).toThrowError(
      /no input takes an image.*"s" string/,
    );
    expect(() => describeInput(graphWith([{ name: 'v', dims: ['N', 10] }]))).toThrowError(
      expect.objectContaining({ code: 'ERR_MODEL_UNSUPPORTED' }),
    );
    expect(() => describeInput(graphWith([{ ...image, name: 'pixels' }]), { input: 'pixel' })).toThrowError(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID', message: expect.stringMatching(/did you mean pixels/) }),
    );
  });
});
