import { create, toBinary } from '@bufbuild/protobuf';
import {
  TensorProto_DataType as DataType,
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { elementCount, type TensorDataByType, type TensorType } from '../../lib/engine/tensor.ts';
import { type GraphNode, nodeToProto } from '../../lib/model/graph/graph.ts';
import { codeOfType, makeTensorProto } from '../../lib/model/graph/tensor-values.ts';

/** An input or output: `dims` holds numbers or names of dynamic axes; without `dims` the rank stays unknown. */
export interface ValueSpec {
  name: string;
  type?: TensorType | 'string';
  dims?: readonly (number | string)[];
}

/** A weight: a ready message, or a shape and values (float32 for a Float32Array or numbers, int64 for a BigInt64Array …). */
export type WeightSpec =
  | TensorProto
  | { dims: readonly number[]; data: readonly number[] | TensorDataByType[TensorType]; type?: TensorType };

export interface ModelSpec {
  nodes: readonly GraphNode[];
  inputs: readonly ValueSpec[];
  outputs: readonly ValueSpec[];
  initializers?: Readonly<Record<string, WeightSpec>>;
  /** Version of the default domain, or domain to version. Default 17. */
  opset?: number | Readonly<Record<string, number>>;
  /** Default 8. */
  irVersion?: number;
  valueInfo?: readonly ValueSpec[];
  functions?: readonly FunctionProto[];
  metadata?: Readonly<Record<string, string>>;
}

/** Bytes of an ONNX file. */
export function buildModel(spec: ModelSpec): Uint8Array<ArrayBuffer> {
  const opsets = typeof spec.opset === 'object' ? spec.opset : { '': spec.opset ?? 17 };
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(spec.irVersion ?? 8),
      producerName: 'onnx-cam tests',
      opsetImport: Object.entries(opsets).map(([domain, version]) =>
        create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
      ),
      functions: [...(spec.functions ?? [])],
      metadataProps: Object.entries(spec.metadata ?? {}).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
      graph: buildGraph(spec),
    }),
  );
}

/** The graph message alone, for subgraphs of If, Loop and Scan. */
export function buildGraph(spec: ModelSpec): GraphProto {
  return create(GraphProtoSchema, {
    name: 'test',
    node: spec.nodes.map(nodeToProto),
    input: spec.inputs.map(valueInfo),
    output: spec.outputs.map(valueInfo),
    valueInfo: (spec.valueInfo ?? []).map(valueInfo),
    initializer: Object.entries(spec.initializers ?? {}).map(([name, weight]) => toTensorProto(name, weight)),
  });
}

export function valueInfo({ name, type = 'float32', dims }: ValueSpec): ValueInfoProto {
  const shape =
    dims &&
    create(TensorShapeProtoSchema, {
      dim: dims.map(dim =>
        create(TensorShapeProto_DimensionSchema, {
          value: typeof dim === 'number' ? { case: 'dimValue', value: BigInt(dim) } : { case: 'dimParam', value: dim },
        }),
      ),
    });
  const elemType = type === 'string' ? DataType.STRING : codeOfType(type);
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: { case: 'tensorType', value: create(TypeProto_TensorSchema, { elemType, shape }) },
    }),
  });
}

export function toTensorProto(name: string, weight: WeightSpec): TensorProto {
  if ('$typeName' in weight) return { ...weight, name };
  const data = Array.isArray(weight.data)
    ? weight.type === 'int64'
      ? BigInt64Array.from(weight.data, BigInt)
      : weight.type === 'int32'
        ? Int32Array.from(weight.data)
        : Float32Array.from(weight.data)
    : (weight.data as TensorDataByType[TensorType]);
  return makeTensorProto(name, weight.type ?? typeOfArray(data), weight.dims, data as never);
}

/** An int64 vector, for shapes, axes and the like. */
export function int64(...values: readonly number[]): WeightSpec {
  return { dims: [values.length], type: 'int64', data: values };
}

/** Reproducible values, uniform in [−scale, scale). */
export function noise(dims: readonly number[], seed = 1, scale = 1): { dims: readonly number[]; data: Float32Array } {
  let state = seed * 2654435761;
  const next = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { dims, data: Float32Array.from({ length: elementCount(dims) }, () => (next() * 2 - 1) * scale) };
}

function typeOfArray(data: TensorDataByType[TensorType]): TensorType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof BigUint64Array) return 'uint64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint32Array) return 'uint32';
  if (data instanceof Int16Array) return 'int16';
  if (data instanceof Uint16Array) return 'uint16';
  if (data instanceof Int8Array) return 'int8';
  return 'uint8';
}
