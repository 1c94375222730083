import { create } from '@bufbuild/protobuf';
import { TensorProto_DataType as DataType, type TensorProto, TensorProtoSchema } from 'onnx-buf';
import { OnnxCamError } from '../../common/errors.ts';
import { checkedCount, MAX_WEIGHT, toInt64 } from '../../common/sizes.ts';
import {
  elementCount,
  TENSOR_ARRAYS,
  type Tensor,
  type TensorDataByType,
  type TensorType,
} from '../../engine/tensor.ts';

const TYPE_BY_CODE: Readonly<Record<number, TensorType>> = {
  [DataType.FLOAT]: 'float32',
  [DataType.UINT8]: 'uint8',
  [DataType.INT8]: 'int8',
  [DataType.UINT16]: 'uint16',
  [DataType.INT16]: 'int16',
  [DataType.INT32]: 'int32',
  [DataType.INT64]: 'int64',
  [DataType.BOOL]: 'bool',
  [DataType.FLOAT16]: 'float16',
  [DataType.DOUBLE]: 'float64',
  [DataType.UINT32]: 'uint32',
  [DataType.UINT64]: 'uint64',
  [DataType.BFLOAT16]: 'bfloat16',
};

const CODE_BY_TYPE = Object.fromEntries(
  Object.entries(TYPE_BY_CODE).map(([code, type]) => [type, Number(code)]),
) as Record<TensorType, number>;

/** The library's name of an ONNX element type (`TensorProto.DataType`); undefined for strings, complex and sub-byte types. */
export function typeOfCode(code: number): TensorType | undefined {
  return TYPE_BY_CODE[code];
}

/** `TensorProto.DataType` of an element type. */
export function codeOfType(type: TensorType): number {
  return CODE_BY_TYPE[type];
}

/** Bytes per element. */
export function bytesPerElement(type: TensorType): number {
  return TENSOR_ARRAYS[type].BYTES_PER_ELEMENT;
}

/**
 * A weight message whose `rawData` is a view on `data`, not a copy.
 * @throws OnnxCamError `ERR_MODEL_INVALID` where a model's values do not fit its shape
 */
export function makeTensorProto<T extends TensorType>(
  name: string,
  type: T,
  dims: readonly number[],
  data: TensorDataByType[T],
): TensorProto {
  if (elementCount(dims) !== data.length)
    throw new OnnxCamError(
      'ERR_MODEL_INVALID',
      `"${name}": ${data.length} values do not fit the shape [${dims}], which needs ${elementCount(dims)}`,
    );
  return create(TensorProtoSchema, {
    name,
    dataType: codeOfType(type),
    dims: dims.map(toInt64),
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  });
}

/**
 * A weight with another name or shape, on the same values. A message's defaults are those of its prototype, which
 * spreading it leaves out; and `create` returns its argument when that is a message already.
 */
export function copyOfWeight(
  { $typeName: _type, $unknown: _unknown, ...fields }: TensorProto,
  changes: { readonly name: string; readonly dims?: bigint[] },
): TensorProto {
  return create(TensorProtoSchema, { ...fields, ...changes });
}

/** Shape of a weight. */
export function dimsOf(proto: TensorProto): number[] {
  return proto.dims.map(Number);
}

/**
 * Values of a weight, whichever of ONNX's storage fields holds them; a view on the file's bytes where alignment
 * allows, a copy otherwise. Throws `ERR_MODEL_INVALID` when the bytes do not fit the shape and `ERR_MODEL_UNSUPPORTED`
 * for element types that a tensor of this library cannot hold (strings, complex numbers, sub-byte types).
 */
export function readTensor(proto: TensorProto): Tensor {
  const type = typeOfCode(proto.dataType);
  if (!type)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `tensor "${proto.name}" has element type ${DataType[proto.dataType] ?? proto.dataType}, which is not supported`,
    );
  const dims = dimsOf(proto);
  const count = checkedCount(dims, `tensor "${proto.name}"`, MAX_WEIGHT);
  const data = proto.rawData.byteLength > 0 ? fromRaw(type, proto.rawData, count) : fromFields(type, proto);
  if (data.length !== count)
    throw new OnnxCamError(
      'ERR_MODEL_INVALID',
      `tensor "${proto.name}" holds ${data.length} values, its shape [${dims}] needs ${count}`,
    );
  return { type, data, dims } as Tensor;
}

function fromRaw(type: TensorType, raw: Uint8Array, count: number): TensorDataByType[TensorType] {
  const ArrayType = TENSOR_ARRAYS[type];
  const size = ArrayType.BYTES_PER_ELEMENT;
  if (raw.byteLength !== count * size) return new ArrayType(Math.floor(raw.byteLength / size)) as never;
  if (raw.byteOffset % size === 0) return new ArrayType(raw.buffer as ArrayBuffer, raw.byteOffset, count) as never;
  return new ArrayType(raw.slice().buffer) as never;
}

/** The typed repeated fields: half types are bit patterns in `int32_data`, as are all integers up to 32 bits. */
function fromFields(type: TensorType, proto: TensorProto): TensorDataByType[TensorType] {
  switch (type) {
    case 'float32':
      return Float32Array.from(proto.floatData);
    case 'float64':
      return Float64Array.from(proto.doubleData);
    case 'int64':
      return BigInt64Array.from(proto.int64Data);
    case 'uint64':
      return BigUint64Array.from(proto.uint64Data);
    case 'uint32':
      return Uint32Array.from(proto.uint64Data, Number);
    default:
      return TENSOR_ARRAYS[type].from(proto.int32Data) as never;
  }
}

/** Values of a weight as float32 (exact for float16 and bfloat16); see {@link readTensor} for what it throws. */
export function readFloat32(proto: TensorProto): Float32Array {
  const { type, data } = readTensor(proto);
  switch (type) {
    case 'float32':
      return data as Float32Array;
    case 'float16':
      return Float32Array.from(data as Uint16Array, halfToNumber);
    case 'bfloat16':
      return new Float32Array(Uint32Array.from(data as Uint16Array, bits => bits << 16).buffer);
    default:
      return Float32Array.from(data as ArrayLike<number | bigint>, Number);
  }
}

/** One value of a tensor as a number. */
export function toNumber({ type, data }: Tensor, index: number): number {
  const value = data[index]!;
  if (type === 'float16') return halfToNumber(value as number);
  if (type === 'bfloat16') return new Float32Array(Uint32Array.of((value as number) << 16).buffer)[0]!;
  return Number(value);
}

/** Values of a weight as plain numbers. */
export function readNumbers(proto: TensorProto): number[] {
  const { type, data } = readTensor(proto);
  if (type === 'float16' || type === 'bfloat16') return Array.from(readFloat32(proto));
  return Array.from(data as ArrayLike<number | bigint>, Number);
}

/** IEEE 754 binary16 bit pattern to number. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Nearest IEEE 754 binary16 bit pattern (ties to even) of a number. */
export function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(magnitude || 2 ** -30)), -14);
  const steps = roundToEven(magnitude / 2 ** (exponent - 10));
  // A carry out of the fraction moves into the exponent by plain addition; subnormals have no implied one.
  return sign | (magnitude < 2 ** -14 ? steps : ((exponent + 14) << 10) + steps);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
