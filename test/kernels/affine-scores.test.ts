import { expect, it } from 'vitest';
import { affineChannelScores, affinePositionScores, affineSetScores } from '../../lib/kernels/affine-scores.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { expectClose, features, SHAPES } from './data.ts';

/** Two targets on one image. */
function tailOf([, channels, height, width]: readonly number[], lazy: boolean) {
  return {
    slopes: features([2, channels!, ...(lazy ? [1, 1] : [height!, width!])], 1),
    activations: features([1, channels!, height!, width!], 2),
    clean: Float64Array.of(3, -0.5),
  };
}

// The largest shape would take the twins minutes.
for (const shape of SHAPES.filter(dims => dims[1] < 1000))
  it.each([false, true])(`affine scores are their twins on [${shape}], lazy slopes %s`, async lazy => {
    const tail = tailOf(shape, lazy);
    const channels = shape[1];
    const select = Uint32Array.of(channels - 1, 0, channels >> 1);
    const values = Float32Array.of(0, 2, -1.5);
    expectClose(
      await affineChannelScores(tail, select, values),
      reference.affineChannelScores(tail, select, values),
      1e-9,
    );
    const sets = Uint8Array.from({ length: 5 * channels }, (_, i) => (i * i + i) % 3);
    expectClose(await affineSetScores(tail, sets), reference.affineSetScores(tail, sets), 1e-9);
    for (const neighbours of ['none', 'spread', 'kept'] as const)
      expectClose(await affinePositionScores(tail, neighbours), reference.affinePositionScores(tail, neighbours), 1e-9);
  });

it('a channel that is not there, sets of another length, and slopes of other channels are refused', async () => {
  const tail = tailOf([1, 3, 2, 2], false);
  await expectError(() => affineChannelScores(tail, Uint32Array.of(3), Float32Array.of(0)), 'ERR_OPTION_INVALID');
  await expectError(() => affineSetScores(tail, new Uint8Array(4)), 'ERR_INPUT_SHAPE');
  const slopes = features([2, 4, 2, 2], 1);
  await expectError(() => affinePositionScores({ ...tail, slopes }, 'none'), 'ERR_INPUT_SHAPE');
  expect(await affineSetScores(tail, new Uint8Array(0))).toEqual(new Float64Array(0));
});
