import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Emitter } from '../../lib/autodiff/emitter.ts';
import { positiveAxis } from '../../lib/autodiff/value.ts';
import type { OnnxCamError } from '../../lib/common/errors.ts';
import { expectError } from '../helpers/expect-error.ts';
import { graphOf } from './harness.ts';

const emitterFor = (dims: readonly number[]) =>
  new Emitter(
    graphOf({ nodes: [['Relu', ['x'], ['y']]], inputs: { x: [...dims] }, weights: {} }),
    new Map(['x', 'y'].map(name => [name, { type: 'float32' as const, dims }])),
    'g',
  );

describe('what is appended to a graph', () => {
  it('has tensors of a bounded size, by the largest of the graph', async () => {
    const small = emitterFor([-1, 3, 8, 8]);
    const x = { name: 'x', type: 'float32' as const, dims: [-1, 3, 8, 8] };
    expect(small.node('Expand', [x], { type: 'float32', dims: [-1, 64, 1024, 1024] }).dims[1]).toBe(64);
    for (const dims of [
      [-1, 64, 1024, 1025],
      [3, 2 ** 40],
      [2 ** 62, 2 ** 62],
    ])
      await expectError(
        () => small.node('Expand', [x], { type: 'float32', dims }),
        'ERR_MODEL_UNSUPPORTED',
        'g0/Expand',
      );
    for (const dims of [[Number.NaN], [0.5 * 2 ** 40 + 0.5, 1], [Number.POSITIVE_INFINITY]])
      await expectError(() => small.node('Expand', [x], { type: 'float32', dims }), 'ERR_MODEL_INVALID', 'g0/Expand');
    const large = emitterFor([-1, 32, 2048, 2048]);
    expect(large.node('Expand', [x], { type: 'float32', dims: [1, 64, 4096, 4096] }).dims).toHaveLength(4);
  });

  it('has constants that the library can write', async () => {
    const emit = emitterFor([1, 3]);
    await expectError(() => emit.constant(1, 'float32', [2 ** 13, 2 ** 13]), 'ERR_MODEL_UNSUPPORTED', 'constant');
    await expectError(() => emit.constant(1, 'float32', [-2]), 'ERR_MODEL_INVALID', 'constant');
    await expectError(() => emit.ints([1 / 3]), 'ERR_MODEL_UNSUPPORTED', 'whole number');
    await expectError(() => emit.constant([1, 2], 'float32', [3]), 'ERR_MODEL_INVALID', '2 values');
    await expectError(() => emit.constant([1], 'int8', [1]), 'ERR_NO_GRADIENT', 'int8');
  });
});

describe('an axis of a node', () => {
  it('is one of the tensor, or the model is invalid', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: -6, max: 6 }), fc.maxSafeInteger()), fc.nat(5), (axis, rank) => {
        let found: number | undefined;
        try {
          found = positiveAxis(axis, rank);
        } catch (error) {
          expect((error as OnnxCamError).code).toBe('ERR_MODEL_INVALID');
        }
        expect(found).toBe(axis >= -rank && axis < Math.max(rank, 1) ? (axis < 0 ? axis + rank : axis) : undefined);
      }),
    );
  });
});
