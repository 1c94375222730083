import type { TensorType } from './tensor.ts';

/** What an input or output of a model can be; only tensors of a {@link TensorType} can be fed or fetched. */
export type ValueType = TensorType | 'string' | 'complex64' | 'complex128' | 'sequence' | 'map' | 'optional' | 'other';

/** The numbers of ONNX's `TensorProto.DataType` and of ONNX Runtime's element types, which agree. */
const ELEMENT_TYPES = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
} as const satisfies Record<number, ValueType>;

/** ONNX Runtime's `ONNXType`: 1 is a tensor. */
const KINDS: Readonly<Record<number, ValueType>> = { 2: 'sequence', 3: 'map', 6: 'optional' };

const NUMBERS = new Map<ValueType, number>(
  Object.entries(ELEMENT_TYPES).map(([number, type]) => [type, Number(number)]),
);

export function elementTypeNumber(type: TensorType): number {
  return NUMBERS.get(type)!;
}

/** @param kind ONNX Runtime's `ONNXType`; the element type counts for tensors (1) only. */
export function valueType(kind: number, elementType: number): ValueType {
  if (kind !== 1) return KINDS[kind] ?? 'other';
  return ELEMENT_TYPES[elementType as keyof typeof ELEMENT_TYPES] ?? 'other';
}
