import { elementCount, type TensorType } from '../../engine/tensor.ts';

/** Integer tensors up to this length keep their values; floating ones (bounds, scales) only when they are tiny. */
const MAX_INTEGER_VALUES = 4096;
const MAX_FLOAT_VALUES = 64;

/** Whether facts hold the values of such a tensor, where it is constant. */
export function isSmall(type: TensorType, dims: readonly number[]): boolean {
  return elementCount(dims) <= (isFloat(type) ? MAX_FLOAT_VALUES : MAX_INTEGER_VALUES);
}

export function isFloat(type: TensorType): boolean {
  return type === 'float32' || type === 'float64' || type === 'float16' || type === 'bfloat16';
}
