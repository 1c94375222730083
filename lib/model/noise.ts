import { elementCount, type Tensor, type TensorType } from '../engine/tensor.ts';
import { numberToHalf } from './tensor-values.ts';

/** Deterministic uniform numbers in [0, 1): a 32-bit linear congruential generator, enough for probing inputs. */
function* uniform(seed: number): Generator<number, never> {
  let state = (seed * 0x9e3779b9) >>> 0;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

/**
 * A probing input: never zeros, which hide dependencies. Floating types get values in [−1, 1), bytes 0..255, other
 * integers and booleans 0 or 1 (safe as indices).
 */
export function noiseTensor(type: TensorType, dims: readonly number[], seed: number): Tensor {
  const numbers = uniform(seed);
  const next = () => numbers.next().value;
  const length = elementCount(dims);
  switch (type) {
    case 'float32':
      return { type, dims, data: Float32Array.from({ length }, () => next() * 2 - 1) };
    case 'float64':
      return { type, dims, data: Float64Array.from({ length }, () => next() * 2 - 1) };
    case 'float16':
      return { type, dims, data: Uint16Array.from({ length }, () => numberToHalf(next() * 2 - 1)) };
    case 'bfloat16': {
      const wide = new Uint32Array(Float32Array.from({ length }, () => next() * 2 - 1).buffer);
      return { type, dims, data: Uint16Array.from(wide, bits => bits >>> 16) };
    }
    case 'uint8':
      return { type, dims, data: Uint8Array.from({ length }, () => next() * 256) };
    case 'int64':
      return { type, dims, data: BigInt64Array.from({ length }, () => BigInt(Math.floor(next() * 2))) };
    case 'uint64':
      return { type, dims, data: BigUint64Array.from({ length }, () => BigInt(Math.floor(next() * 2))) };
    case 'int32':
      return { type, dims, data: Int32Array.from({ length }, () => next() * 2) };
    case 'uint32':
      return { type, dims, data: Uint32Array.from({ length }, () => next() * 2) };
    case 'int16':
      return { type, dims, data: Int16Array.from({ length }, () => next() * 2) };
    case 'uint16':
      return { type, dims, data: Uint16Array.from({ length }, () => next() * 2) };
    case 'int8':
      return { type, dims, data: Int8Array.from({ length }, () => next() * 2) };
    case 'bool':
      return { type, dims, data: Uint8Array.from({ length }, () => next() * 2) };
  }
}
