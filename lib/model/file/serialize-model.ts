import { create, toBinary } from '@bufbuild/protobuf';
import {
  TensorProto_DataLocation as DataLocation,
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf';
import { OnnxCamError } from '../../common/errors.ts';
import { toInt64 } from '../../common/sizes.ts';
import { type Graph, nodeToProto } from '../graph/graph.ts';

/** Weights of at least this many bytes are handed to the runtime beside the model instead of inside it. */
export const EXTERNAL_THRESHOLD = 4096;

/** Names of the virtual files; no real file is called this. */
const VIRTUAL_FILE = 'onnx-cam-weights-';

/** protobuf messages end at 2 GiB. */
const MAX_MESSAGE = 2 ** 31 - 1;

export interface SerializedModel {
  model: Uint8Array<ArrayBuffer>;
  /** By virtual file name: the whole buffers that the weights are views on, for the runtime's in-memory files. */
  externalFiles: Record<string, Uint8Array<ArrayBuffer>>;
}

/**
 * Writes a graph for the runtime without copying its large weights: they become external data (file, offset, length)
 * of virtual files, which are the buffers that hold them already (the bytes of the original model file as a rule).
 */
export function serializeModel(graph: Graph): SerializedModel {
  const fileOf = new Map<ArrayBuffer, string>();
  const model = encode(graph, weight => {
    if (weight.dataLocation === DataLocation.EXTERNAL || weight.rawData.byteLength < EXTERNAL_THRESHOLD) return weight;
    const { buffer, byteOffset, byteLength } = weight.rawData;
    let file = fileOf.get(buffer);
    if (!file) fileOf.set(buffer, (file = `${VIRTUAL_FILE}${fileOf.size}`));
    return create(TensorProtoSchema, {
      name: weight.name,
      dims: weight.dims,
      dataType: weight.dataType,
      dataLocation: DataLocation.EXTERNAL,
      externalData: Object.entries({ location: file, offset: byteOffset, length: byteLength }).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value: String(value) }),
      ),
    });
  });
  const externalFiles = Object.fromEntries([...fileOf].map(([buffer, file]) => [file, new Uint8Array(buffer)]));
  return { model, externalFiles };
}

/**
 * A self-contained ONNX file, weights inside: for saving, not for running, because everything is copied.
 * @throws OnnxCamError `ERR_MODEL_UNSUPPORTED` beyond 2 GiB, which one ONNX file cannot hold.
 */
export function toFileBytes(graph: Graph): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const weight of graph.initializers.values()) size += weight.rawData.byteLength;
  if (size > MAX_MESSAGE)
    throw new OnnxCamError('ERR_MODEL_UNSUPPORTED', `${size} bytes of weights do not fit into one ONNX file (2 GiB)`);
  return encode(graph, weight => weight);
}

function encode(graph: Graph, store: (weight: TensorProto) => TensorProto): Uint8Array<ArrayBuffer> {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      // Before version 4 every weight had to be listed among the inputs as well.
      irVersion: graph.irVersion < 4n ? 4n : graph.irVersion,
      producerName: 'onnx-cam',
      opsetImport: [...graph.opsets].map(([domain, version]) =>
        create(OperatorSetIdProtoSchema, { domain, version: toInt64(version) }),
      ),
      graph: create(GraphProtoSchema, {
        name: 'onnx-cam',
        node: graph.nodes.map(nodeToProto),
        initializer: [...graph.initializers.values()].map(store),
        input: graph.inputs,
        output: graph.outputs,
        valueInfo: graph.shapes,
      }),
    }),
  );
}
