import type { TensorProto } from 'onnx-buf';
import { halfToNumber, readFloat32, readTensor } from '../../graph/tensor-values.ts';
import { inSlices } from './quantize-weights.ts';

/** Halves that are read before the event loop may turn. */
const ROW = 4096;

let halves: Float32Array | undefined;

/** A weight as float32: a view where it is that already, halves through a table, in slices between which the event loop turns. */
export async function floatWeights(weight: TensorProto): Promise<Float32Array> {
  const { type, data } = readTensor(weight);
  if (type !== 'float16') return readFloat32(weight);
  const table = (halves ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => halfToNumber(bits)));
  const bits = data as Uint16Array;
  const floats = new Float32Array(bits.length);
  await inSlices(Math.ceil(bits.length / ROW), ROW, row => {
    const end = Math.min(bits.length, (row + 1) * ROW);
    for (let i = row * ROW; i < end; i++) floats[i] = table[bits[i]!]!;
  });
  return floats;
}
