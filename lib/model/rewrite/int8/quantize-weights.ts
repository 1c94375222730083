import { setImmediate as nextTurn } from 'node:timers/promises';
import { elementCount } from '../../../engine/tensor.ts';
import { dimsOf } from '../../graph/tensor-values.ts';
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
 * @param inputs what the unit's input channels are multiplied by first
 */
export async function quantizeWeights(
  unit: Pick<Unit, 'kind' | 'weight' | 'channels' | 'group' | 'channelsFirst' | 'factor'>,
  floats: Float32Array,
  levels: number,
  inputs?: Float32Array,
): Promise<Int8Weights> {
  const { kind, channels, channelsFirst, factor } = unit;
  const values = new Int8Array(floats.length);
  const scaled = inputs ? await scaledBy(unit, floats, inputs) : floats;
  const largest = new Float32Array(channels);
  const [rows, columns] = channelsFirst ? [channels, floats.length / channels] : [floats.length / channels, channels];
  await inSlices(rows, columns, row => {
    for (let i = 0, at = row * columns; i < columns; i++, at++) {
      const size = Math.abs(scaled[at]!);
      const c = channelsFirst ? row : i;
      if (size > largest[c]!) largest[c] = size;
    }
  });
  const steps = largest.map(value => value / levels || 1);
  const inverse = Float64Array.from(steps, (step, c) => Math.sign(factor?.[c] ?? 1) / step);
  const transposed = kind === 'matmul' && channelsFirst;
  await inSlices(rows, columns, row => {
    for (let i = 0, at = row * columns; i < columns; i++, at++)
      values[transposed ? i * rows + row : at] = Math.round(scaled[at]! * inverse[channelsFirst ? row : i]!);
  });
  // A factor of 0 leaves zeros, whose step must not be 0.
  return { values, steps: steps.map((step, c) => step * Math.abs(factor?.[c] ?? 1) || 1) };
}

/** Weights of a convolution times the factors of the input channels that they read. */
async function scaledBy(
  { weight, channels, group }: Pick<Unit, 'weight' | 'channels' | 'group'>,
  floats: Float32Array,
  inputs: Float32Array,
): Promise<Float32Array> {
  const [, depth, ...kernel] = dimsOf(weight) as [number, number, ...number[]];
  const area = elementCount(kernel);
  const scaled = new Float32Array(floats.length);
  await inSlices(channels, depth * area, row => {
    const first = Math.floor((row * group) / channels) * depth;
    for (let i = 0, at = row * depth * area; i < depth; i++)
      for (let k = 0; k < area; k++, at++) scaled[at] = floats[at]! * inputs[first + i]!;
  });
  return scaled;
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
