/** Models that take their only image for granted: several scores of it come from as many runs. */
import { expect, it } from 'vitest';
import { load } from '../../lib/load.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { topK } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { flat, noiseImage, one } from '../helpers/explain-models.ts';
import { buildModel, int64, noise } from '../helpers/model-builder.ts';

/** A convolution, its columns read by an LSTM, and what comes from Y [T, 1, 1, 5] or Y_h [1, 1, 5] to z [1, 5]. */
const reader = (tail: readonly (readonly [string, readonly string[], string])[]) =>
  buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1], strides: [2, 2] }),
      makeNode('Relu', ['c'], ['r']),
      makeNode('ReduceMean', ['r'], ['m'], { axes: [2], keepdims: 0 }),
      makeNode('Transpose', ['m'], ['s'], { perm: [2, 0, 1] }),
      makeNode('LSTM', ['s', 'lw', 'lr', '', '', 'h0'], ['Y', 'Yh'], { hidden_size: 5 }),
      ...tail.map(([op, inputs, output]) => makeNode(op, inputs, [output])),
      makeNode('Gemm', ['z', 'fw'], ['y']),
    ],
    inputs: [{ name: 'x', dims: [1, 3, 16, 24] }],
    outputs: [{ name: 'y', dims: [1, 7] }],
    initializers: {
      w: noise([6, 3, 3, 3], 1),
      lw: noise([1, 20, 6], 2),
      lr: noise([1, 20, 5], 3),
      h0: noise([1, 1, 5], 4),
      fw: noise([5, 7], 5),
      zero: int64(0),
      one: int64(1),
      both: int64(1, 2),
      last: int64(-1),
      end: int64(2 ** 31 - 1),
    },
  });

it.each([
  [
    'Y without direction and batch',
    [
      ['Squeeze', ['Y', 'both'], 'q'],
      ['Slice', ['q', 'last', 'end', 'zero'], 'z'],
    ],
  ],
  [
    'Y without any axis of one',
    [
      ['Squeeze', ['Y'], 'q'],
      ['Slice', ['q', 'last', 'end', 'zero'], 'z'],
    ],
  ],
  [
    'Y_h without batch, put back',
    [
      ['Squeeze', ['Yh'], 'q'],
      ['Unsqueeze', ['q', 'zero'], 'z'],
    ],
  ],
  ['Y_h without direction', [['Squeeze', ['Yh', 'zero'], 'z']]],
] as const)('%s', async (_, tail) => {
  const cam = await load(reader(tail));
  try {
    const image = noiseImage([1, 3, 16, 24]);
    for (const method of ['hirescam', 'lift-cam'] as const) {
      const together = flat(await cam.explain(image, { target: topK(3), method, layer: 'r' }));
      expect(new Set(together.map(({ target }) => target.index)).size).toBe(3);
      for (const { target, raw } of together) {
        const alone = one(await cam.explain(image, { target: target.index, method, layer: 'r' }));
        expect(alone.raw.data.some(value => value !== 0)).toBe(true);
        expectClose(raw.data, alone.raw.data, 1e-5);
      }
    }
  } finally {
    await cam.dispose();
  }
});
