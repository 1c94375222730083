import { toInt64 } from '../../common/sizes.ts';
import { elementCount, type Tensor, type TensorType } from '../../engine/tensor.ts';
import { numberToHalf } from '../graph/tensor-values.ts';

/**
 * A probing input: never zeros, which hide dependencies. Floating types get uniform values in [−1, 1), bytes 0..255,
 * other integers and booleans 0 or 1 (safe as indices). The same seed gives the same tensor.
 */
export function noiseTensor(type: TensorType, dims: readonly number[], seed: number): Tensor {
  const length = elementCount(dims);
  switch (type) {
    case 'float32':
      return { type, dims, data: fill(new Float32Array(length), seed, unit => unit * 2 - 1) };
    case 'float64':
      return { type, dims, data: fill(new Float64Array(length), seed, unit => unit * 2 - 1) };
    case 'float16':
      return { type, dims, data: fill(new Uint16Array(length), seed, unit => numberToHalf(unit * 2 - 1)) };
    case 'bfloat16': {
      const wide = fill(new Float32Array(length), seed, unit => unit * 2 - 1);
      return { type, dims, data: Uint16Array.from(new Uint32Array(wide.buffer), bits => bits >>> 16) };
    }
    case 'uint8':
      return { type, dims, data: fill(new Uint8Array(length), seed, unit => unit * 256) };
    case 'int64':
      return { type, dims, data: BigInt64Array.from(fill(new Uint8Array(length), seed, bit), toInt64) };
    case 'uint64':
      return { type, dims, data: BigUint64Array.from(fill(new Uint8Array(length), seed, bit), toInt64) };
    case 'int32':
      return { type, dims, data: fill(new Int32Array(length), seed, bit) };
    case 'uint32':
      return { type, dims, data: fill(new Uint32Array(length), seed, bit) };
    case 'int16':
      return { type, dims, data: fill(new Int16Array(length), seed, bit) };
    case 'uint16':
      return { type, dims, data: fill(new Uint16Array(length), seed, bit) };
    case 'int8':
      return { type, dims, data: fill(new Int8Array(length), seed, bit) };
    case 'bool':
      return { type, dims, data: fill(new Uint8Array(length), seed, bit) };
  }
}

const bit = (unit: number) => (unit < 0.5 ? 0 : 1);

interface NumberArray {
  readonly length: number;
  [index: number]: number;
}

/** A 32-bit linear congruential generator (Numerical Recipes' constants): enough for probing, and fast. */
function fill<T extends NumberArray>(data: T, seed: number, map: (unit: number) => number): T {
  let state = Math.imul(seed, 0x9e3779b9) >>> 0;
  for (let index = 0; index < data.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[index] = map(state / 2 ** 32);
  }
  return data;
}
