/** Tensors as onnxruntime shapes them: `{ type, data, dims }`, row-major, not copied unless said. */

export interface TensorDataByType {
  float32: Float32Array;
  float64: Float64Array;
  /** Raw IEEE half bits. */
  float16: Uint16Array;
  /** Raw bfloat16 bits. */
  bfloat16: Uint16Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  uint32: Uint32Array;
  int32: Int32Array;
  uint64: BigUint64Array;
  int64: BigInt64Array;
  bool: Uint8Array;
}

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

export interface Tensor<T extends TensorType = TensorType> {
  readonly type: T;
  readonly data: TensorDataByType[T];
  readonly dims: readonly number[];
}

/** Number of elements a shape holds. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

export function float32Tensor(data: Float32Array, dims: readonly number[]): Tensor<'float32'> {
  return { type: 'float32', data, dims };
}
