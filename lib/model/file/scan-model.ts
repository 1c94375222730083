import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import {
  TensorProto_DataType as DataType,
  type FunctionProto,
  FunctionProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { toInt64 } from '../../common/sizes.ts';

/** Field numbers of onnx.proto. */
const MODEL = {
  irVersion: 1,
  producerName: 2,
  domain: 4,
  modelVersion: 5,
  docString: 6,
  graph: 7,
  opsetImport: 8,
  metadata: 14,
  functions: 25,
};
const GRAPH = { node: 1, name: 2, initializer: 5, docString: 10, input: 11, output: 12, sparseInitializer: 15 };
const TENSOR = { floatData: 4, doubleData: 10 };

export interface RawGraph {
  name: string;
  docString: string;
  nodes: NodeProto[];
  initializers: TensorProto[];
  inputs: ValueInfoProto[];
  outputs: ValueInfoProto[];
  sparseInitializers: number;
}

export interface RawModel {
  irVersion: bigint;
  producer: string;
  domain: string;
  modelVersion: bigint;
  docString: string;
  opsets: Map<string, number>;
  functions: FunctionProto[];
  /** What exporters note by key: Ultralytics' `names`, for instance. */
  metadata: Map<string, string>;
  graph: RawGraph | undefined;
}

/**
 * Reads the outer messages of an ONNX file field by field, so that weights stay views on `bytes` whichever storage
 * they use: the generated reader would turn packed `float_data` into JavaScript arrays, value by value. Documentation of nodes,
 * value_info and training information are skipped. Throws the protobuf reader's errors on damaged files.
 */
export function scanModel(bytes: Uint8Array): RawModel {
  const model: RawModel = {
    irVersion: 0n,
    producer: '',
    domain: '',
    modelVersion: 0n,
    docString: '',
    opsets: new Map(),
    functions: [],
    metadata: new Map(),
    graph: undefined,
  };
  forEachField(bytes, (field, type, reader) => {
    if (field === MODEL.irVersion && type === WireType.Varint) model.irVersion = toInt64(Number(reader.int64()));
    else if (field === MODEL.modelVersion && type === WireType.Varint) model.modelVersion = toInt64(Number(reader.int64()));
    else if (type !== WireType.LengthDelimited) reader.skip(type, field);
    else if (field === MODEL.producerName) model.producer = reader.string();
    else if (field === MODEL.domain) model.domain = reader.string();
    else if (field === MODEL.docString) model.docString = reader.string();
    else if (field === MODEL.graph) model.graph = scanGraph(reader.bytes());
    else if (field === MODEL.opsetImport) {
      const { domain, version } = fromBinary(OperatorSetIdProtoSchema, reader.bytes());
      model.opsets.set(domain === 'ai.onnx' ? '' : domain, Number(version));
    } else if (field === MODEL.metadata) {
      const { key, value } = fromBinary(StringStringEntryProtoSchema, reader.bytes());
      model.metadata.set(key, value);
    } else if (field === MODEL.functions) model.functions.push(fromBinary(FunctionProtoSchema, reader.bytes()));
    else reader.skip(type, field);
  });
  return model;
}

function scanGraph(bytes: Uint8Array): RawGraph {
  const graph: RawGraph = {
    name: '',
    docString: '',
    nodes: [],
    initializers: [],
    inputs: [],
    outputs: [],
    sparseInitializers: 0,
  };
  forEachField(bytes, (field, type, reader) => {
    if (type !== WireType.LengthDelimited) reader.skip(type, field);
    else if (field === GRAPH.name) graph.name = reader.string();
    else if (field === GRAPH.docString) graph.docString = reader.string();
    else if (field === GRAPH.node) graph.nodes.push(fromBinary(NodeProtoSchema, reader.bytes()));
    else if (field === GRAPH.initializer) graph.initializers.push(scanTensor(reader.bytes()));
    else if (field === GRAPH.input) graph.inputs.push(fromBinary(ValueInfoProtoSchema, reader.bytes()));
    else if (field === GRAPH.output) graph.outputs.push(fromBinary(ValueInfoProtoSchema, reader.bytes()));
    else {
      if (field === GRAPH.sparseInitializer) graph.sparseInitializers++;
      reader.skip(type, field);
    }
  });
  return graph;
}

/**
 * A packed `float_data` or `double_data` is little-endian and contiguous, byte for byte what `raw_data` holds, so it
 * becomes the raw data. Only the small fields around it are parsed. Integers are varints and have to be walked.
 */
function scanTensor(bytes: Uint8Array): TensorProto {
  const rest: Uint8Array[] = [];
  const chunks: Uint8Array[] = [];
  let chunkField = 0;
  forEachField(bytes, (field, type, reader, start) => {
    if ((field === TENSOR.floatData || field === TENSOR.doubleData) && type === WireType.LengthDelimited) {
      chunkField = field;
      chunks.push(reader.bytes());
    } else {
      reader.skip(type, field);
      rest.push(bytes.subarray(start, reader.pos));
    }
  });
  const [packed] = chunks;
  if (!packed || chunks.length > 1) return fromBinary(TensorProtoSchema, bytes);
  const proto = fromBinary(TensorProtoSchema, concatenate(rest));
  const matches = proto.dataType === (chunkField === TENSOR.floatData ? DataType.FLOAT : DataType.DOUBLE);
  if (!matches || proto.rawData.byteLength > 0) return fromBinary(TensorProtoSchema, bytes);
  proto.rawData = packed as Uint8Array<ArrayBuffer>;
  return proto;
}

function forEachField(
  bytes: Uint8Array,
  visit: (field: number, type: WireType, reader: BinaryReader, start: number) => void,
): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, type] = reader.tag();
    visit(field, type, reader, start);
  }
  if (reader.pos > reader.len) throw new RangeError('premature end of the file');
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.byteLength;
  }
  return result;
}
