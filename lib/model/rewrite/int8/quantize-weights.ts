import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Unit } from './units.ts';

/** int8 weights: weight ≈ values · steps of its output channel. */
export interface Int8Weights {
  /** Of convolutions as the float weights lie in memory, of matrices [depth, channels]. */
  readonly values: Int8Array<ArrayBuffer>;
  /** [channels] */
  readonly steps: Float32Array<ArrayBuffer>;
}

/** Weights that are rounded before the event loop turns: a millisecond or two. */
const SLICE = 2 ** 18;

/**
 * Symmetric, one step for each output channel: round(w / step), step = max |w| / levels. Batch normalisation is multiplied into
 * the steps. In slices between which the event loop turns.
 * @param floats the unit's weights
 * @param levels 127, or 63 where sums of two products must fit into 16 bits
 */
export async function quantizeWeights(
  unit: Pick<Unit, 'kind' | 'channels' | 'channelsFirst' | 'factor'>,
  floats: Float32Array,
  levels: number,
): Promise<Int8Weights> {
  const { kind, channels, channelsFirst, factor } = unit;
  const values = new Int8Array(floats.length);
  const largest = new Float32Array(channels);
  const [rows, columns] = channelsFirst ? [channels, floats.length / channels] : [floats.length / channels, channels];
  await inSlices(rows, columns, row => {
    for (let i = 0, at = row * columns; i < columns; i++, at++) {
      const size = Math.abs(floats[at]!);
      const c = channelsFirst ? row : i;
      if (size > largest[c]!) largest[c] = size;
    }
  });
  const steps = largest.map(value => value / levels || 1);
  const inverse = Float64Array.from(steps, (step, c) => Math.sign(factor?.[c] ?? 1) / step);
  const transposed = kind === 'matmul' && channelsFirst;
  await inSlices(rows, columns, row => {
    for (let i = 0, at = row * columns; i < columns; i++, at++)
      values[transposed ? i * rows + row : at] = Math.round(floats[at]! * inverse[channelsFirst ? row : i]!);
  });
  // A factor of 0 leaves zeros, whose step must not be 0.
  return { values, steps: steps.map((step, c) => step * Math.abs(factor?.[c] ?? 1) || 1) };
}

/** Calls `task` for each row of so many weights. */
export async function inSlices(rows: number, columns: number, task: (row: number) => void): Promise<void> {
  let done = 0;
  for (let row = 0; row < rows; row++) {
    task(row);
    done += columns;
    if (done < SLICE) continue;
    done = 0;
    await nextTurn();
  }
}
