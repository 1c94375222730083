import { create } from '@bufbuild/protobuf';
import {
  TensorProto_DataType as DataType,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { toInt64 } from '../../common/sizes.ts';
import type { TensorType } from '../../engine/tensor.ts';
import { codeOfType, typeOfCode } from './tensor-values.ts';

/** A size, or the name of a dynamic axis ('' where it has none). */
export type DeclaredDim = number | string;

/** What the file says of an input or output. */
export interface DeclaredValue {
  readonly name: string;
  /** undefined for sequences, maps and element types that this library has no arrays for. */
  readonly type: TensorType | 'string' | undefined;
  /** undefined when the file does not say the rank. */
  readonly dims: readonly DeclaredDim[] | undefined;
}

export function describeValue(value: ValueInfoProto): DeclaredValue {
  const type = value.type?.value;
  if (type?.case !== 'tensorType') return { name: value.name, type: undefined, dims: undefined };
  const { elemType, shape } = type.value;
  return {
    name: value.name,
    type: elemType === DataType.STRING ? 'string' : typeOfCode(elemType),
    dims: shape?.dim.map(({ value: dim }) => {
      if (dim.case === 'dimValue') return dim.value > 0n ? Number(dim.value) : '';
      return dim.case === 'dimParam' ? dim.value : '';
    }),
  };
}

/**
 * The name of the dynamic batch, from the first input that has one. An input that shares it lets the runtime see that
 * tensors derived from both have the same size.
 */
export function batchName(inputs: readonly ValueInfoProto[]): string | undefined {
  const sizes = inputs.map(input => describeValue(input).dims?.[0]);
  return sizes.find(size => typeof size === 'string' && size !== '') as string | undefined;
}

/** Without `type` the runtime infers it, without `dims` the rank as well; a dim of −1 or '' is dynamic. */
export function makeValueInfo(name: string, type?: TensorType, dims?: readonly DeclaredDim[]): ValueInfoProto {
  if (!type) return create(ValueInfoProtoSchema, { name });
  const shape =
    dims &&
    create(TensorShapeProtoSchema, {
      dim: dims.map(dim => {
        if (typeof dim === 'string')
          return create(TensorShapeProto_DimensionSchema, dim ? { value: { case: 'dimParam', value: dim } } : {});
        return create(
          TensorShapeProto_DimensionSchema,
          dim >= 0 ? { value: { case: 'dimValue', value: toInt64(dim) } } : {},
        );
      }),
    });
  const value = create(TypeProto_TensorSchema, { elemType: codeOfType(type), shape });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value } }),
  });
}
