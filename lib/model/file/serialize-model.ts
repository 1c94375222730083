import { TensorProto_DataLocation as DataLocation } from 'onnx-buf';
import type { Graph } from '../graph/graph.ts';
import { encodeModel, referTo } from './encode-model.ts';

/** Weights of at least this many bytes are handed to the runtime beside the model instead of inside it. */
export const EXTERNAL_THRESHOLD = 4096;

/** Names of the virtual files; no real file is called this. */
const VIRTUAL_FILE = 'onnx-cam-weights-';

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
  const weights = [...graph.initializers.values()].map(weight => {
    if (weight.dataLocation === DataLocation.EXTERNAL || weight.rawData.byteLength < EXTERNAL_THRESHOLD) return weight;
    const { buffer, byteOffset, byteLength } = weight.rawData;
    let location = fileOf.get(buffer);
    if (!location) fileOf.set(buffer, (location = `${VIRTUAL_FILE}${fileOf.size}`));
    return referTo(weight, { location, offset: byteOffset, length: byteLength });
  });
  const model = encodeModel(graph, { opsets: graph.opsets, weights });
  const externalFiles = Object.fromEntries([...fileOf].map(([buffer, file]) => [file, new Uint8Array(buffer)]));
  return { model, externalFiles };
}
