/** Tensors as onnxruntime shapes them: `{ type, data, dims }`, row-major, not copied unless said. */

/** The typed array of each element type, by onnxruntime's names. */
export interface TensorDataByType {
  /** IEEE floats. */
  float32: Float32Array;
  /** IEEE floats. */
  float64: Float64Array;
  /** Raw IEEE half bits. */
  float16: Uint16Array;
  /** Raw bfloat16 bits. */
  bfloat16: Uint16Array;
  /** Whole numbers from 0. */
  uint8: Uint8Array;
  /** Whole numbers. */
  int8: Int8Array;
  /** Whole numbers from 0. */
  uint16: Uint16Array;
  /** Whole numbers. */
  int16: Int16Array;
  /** Whole numbers from 0. */
  uint32: Uint32Array;
  /** Whole numbers. */
  int32: Int32Array;
  /** Whole numbers from 0. */
  uint64: BigUint64Array;
  /** Whole numbers. */
  int64: BigInt64Array;
  /** 0 and 1. */
  bool: Uint8Array;
}

/**
 * Element types that tensors may have.
 * @useDeclaredType
 */
export type TensorType = keyof TensorDataByType;

/** The typed array that holds each element type. */
export const TENSOR_ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const satisfies Record<TensorType, unknown>;

/** True for the names of element types that this library has arrays for. */
export function isTensorType(type: unknown): type is TensorType {
  return typeof type === 'string' && Object.hasOwn(TENSOR_ARRAYS, type);
}

/** A tensor in onnxruntime's shape; its data are not copied: leave them alone until the call is done. */
export interface Tensor<T extends TensorType = TensorType> {
  /** Element type, by onnxruntime's name. */
  readonly type: T;
  /** Row-major. */
  readonly data: TensorDataByType[T];
  /** Whole numbers; their product is the length of `data`. */
  readonly dims: readonly number[];
}

/** Number of elements a shape holds. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

export function float32Tensor(data: Float32Array, dims: readonly number[]): Tensor<'float32'> {
  return { type: 'float32', data, dims };
}
