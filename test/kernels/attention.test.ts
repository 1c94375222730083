import { describe, expect, it } from 'vitest';
import {
  type AttentionRoll,
  attentionGradCam,
  type HeadMatrices,
  positiveRows,
  rollAttention,
} from '../../lib/kernels/attention.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { expectClose, features } from './data.ts';

const FUSIONS = ['mean', 'max', 'min', 'positive-mean'] as const;

function matricesOf(heads: number, tokens: number, gradients: boolean): HeadMatrices {
  const shape = [1, heads, tokens, tokens];
  // Of a softmax: nothing negative, no row that sums up to −1.
  const attention = features(shape, 1).data.map(Math.abs);
  return { heads, tokens, attention, gradients: gradients ? features(shape, 2).data : undefined };
}

describe.each([
  [1, 1],
  [3, 5],
  [2, 17],
  [4, 61],
])('attention of %i heads and %i tokens', (heads, tokens) => {
  const row = Float64Array.from({ length: tokens }, (_, i) => (i % 4) / tokens);

  it.each(FUSIONS)('is rolled as by its twin: %s', async fuse => {
    for (const gradients of [false, true])
      for (const step of ['normalized', 'sum'] as const)
        for (const [discard, keepFirst] of [
          [0, false],
          [0.5, true],
          [0.9, false],
          [1, true],
        ] as const) {
          const matrices = matricesOf(heads, tokens, gradients);
          const roll: AttentionRoll = { fuse, discard, keepFirst, step };
          expectClose(await rollAttention(row, matrices, roll), reference.rollAttention(row, matrices, roll), 1e-6);
        }
  });

  it('positive rows and the Grad-CAM of heads are their twins', async () => {
    const attention = features([1, heads, tokens, tokens + 2], 3).data;
    const gradients = features([1, heads, tokens, tokens + 2], 4).data;
    const patches = { prefix: 2, count: tokens };
    const keys = tokens + 2;
    expectClose(await positiveRows(gradients, keys, patches), reference.positiveRows(gradients, keys, patches), 1e-12);
    for (const rows of [1, tokens])
      expectClose(
        await attentionGradCam(attention, gradients, [heads, tokens, keys], rows, patches),
        reference.attentionGradCam(attention, gradients, [heads, tokens, keys], rows, patches),
        1e-6,
      );
  });
});

it('discards of equal values the first, never the first entry if it is kept, and no NaN', async () => {
  const roll = { fuse: 'mean', step: 'sum' } as const;
  const rolled = (attention: Float32Array, discard: number, keepFirst: boolean) =>
    rollAttention(
      Float64Array.of(1, 0),
      { heads: 1, tokens: 2, attention, gradients: undefined },
      { ...roll, discard, keepFirst },
    );
  expect(await rolled(Float32Array.of(1, 1, 1, 1), 0.25, false)).toEqual(Float64Array.of(1, 1));
  expect(await rolled(Float32Array.of(1, 1, 1, 1), 1, true)).toEqual(Float64Array.of(2, 0));
  expect(await rolled(Float32Array.of(0.5, Number.NaN, 1, 1), 1, false)).toEqual(Float64Array.of(1, Number.NaN));
});
