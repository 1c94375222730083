import { TensorProto_DataLocation as DataLocation, type TensorProto } from 'onnx-buf';
import { OnnxCamError } from '../../common/errors.ts';
import { isSharedArrayBuffer } from '../../common/kinds.ts';
import { MAX_NODES } from '../../common/sizes.ts';
import { elementCount } from '../../engine/tensor.ts';
import { Graph, type GraphNode, nodeFromProto } from '../graph/graph.ts';
import { bytesPerElement, dimsOf, typeOfCode } from '../graph/tensor-values.ts';
import { sortTopologically } from '../graph/topological-sort.ts';
import { constantToTensor } from './constant-to-tensor.ts';
import { inlineFunctions } from './inline-functions.ts';
import { type RawModel, scanModel } from './scan-model.ts';

/** Versions of the default operator set that ONNX Runtime 1.29 runs. */
export const OLDEST_OPSET = 7;
export const NEWEST_OPSET = 26;

/**
 * Reads an ONNX file into a normalised graph: model-local functions inlined, `Constant` nodes turned into initializers,
 * nodes in topological order, initializers taken out of the inputs (old files list them there), `ai.onnx` written as
 * '', value_info dropped. Weights are views on `bytes`, which must not be changed afterwards; those kept in other files
 * stay references (see external-data.ts).
 * @throws OnnxCamError `ERR_MODEL_INVALID` when the bytes are not an ONNX file or a damaged one,
 * `ERR_MODEL_UNSUPPORTED` for operator sets outside 7..26, sparse weights and other runtimes' formats.
 */
export function parseModel(bytes: Uint8Array): Graph {
  refuseOtherFormats(bytes);
  try {
    return normalise(scanModel(plainView(bytes)));
  } catch (error) {
    if (error instanceof OnnxCamError) throw error;
    throw new OnnxCamError(
      'ERR_MODEL_INVALID',
      `not an ONNX model, or a damaged or truncated one (${bytes.byteLength} bytes): ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** Text decoding refuses shared memory, and a Buffer's `subarray` would make every weight a Buffer. */
function plainView(bytes: Uint8Array): Uint8Array {
  if (isSharedArrayBuffer(bytes.buffer)) return new Uint8Array(bytes);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function refuseOtherFormats(bytes: Uint8Array): void {
  if (bytes.byteLength === 0) throw new OnnxCamError('ERR_MODEL_INVALID', 'the model file is empty');
  const head = new TextDecoder('latin1').decode(new Uint8Array(bytes.subarray(0, 64)));
  if (head.startsWith('version https://git-lfs'))
    throw new OnnxCamError(
      'ERR_MODEL_INVALID',
      'this is a Git LFS pointer, not the model itself; fetch the file with "git lfs pull"',
    );
  const foreign = head.startsWith('PK')
    ? 'a zip archive (a PyTorch checkpoint?)'
    : head.slice(4, 8) === 'TFL3'
      ? 'a TensorFlow Lite model'
      : head.slice(4, 8) === 'ORTM'
        ? "a model in ONNX Runtime's own ORT format"
        : head.startsWith('\x89HDF')
          ? 'an HDF5 file (a Keras model?)'
          : undefined;
  if (foreign)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `expected an ONNX file, this is ${foreign}; export it to ONNX first`,
    );
  // Every ONNX file begins with a low field tag; printable text throughout its start does not occur.
  if (/^[\t\n\r\x20-\x7e]+$/.test(head))
    throw new OnnxCamError(
      'ERR_MODEL_INVALID',
      `expected an ONNX file, this is text: ${JSON.stringify(head.slice(0, 24))}…`,
    );
}

function normalise(raw: RawModel): Graph {
  if (!raw.graph)
    throw new OnnxCamError('ERR_MODEL_INVALID', 'not an ONNX model, or a truncated one: the file has no graph');
  if (raw.opsets.size === 0)
    throw new OnnxCamError('ERR_MODEL_INVALID', 'not an ONNX model: the file names no operator set');
  const opset = raw.opsets.get('');
  if (opset !== undefined && (opset < OLDEST_OPSET || opset > NEWEST_OPSET))
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the model uses opset ${opset}; supported are ${OLDEST_OPSET} to ${NEWEST_OPSET}. ` +
        'Convert it (onnx.version_converter) or export it again',
    );
  if (raw.graph.sparseInitializers > 0)
    throw new OnnxCamError('ERR_MODEL_UNSUPPORTED', 'the model has sparse weights, which are not supported');

  if (raw.graph.nodes.length > MAX_NODES)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the model has ${raw.graph.nodes.length} nodes; at most ${MAX_NODES} are supported`,
    );

  const initializers = new Map<string, TensorProto>();
  for (const weight of raw.graph.initializers) {
    if (!weight.name || initializers.has(weight.name))
      throw new OnnxCamError('ERR_MODEL_INVALID', `weight "${weight.name}" has no name of its own`);
    checkSize(weight);
    initializers.set(weight.name, weight);
  }
  const nodes: GraphNode[] = [];
  for (const node of inlineFunctions(raw.graph.nodes, raw.functions, raw.opsets).map(nodeFromProto)) {
    const value = constantToTensor(node);
    if (value && !initializers.has(value.name)) initializers.set(value.name, value);
    else nodes.push(node);
  }
  const inputs = raw.graph.inputs.filter(input => !initializers.has(input.name));
  const given = new Set([...inputs.map(input => input.name), ...initializers.keys()]);
  const sorted = sortTopologically(nodes, given);
  if (sorted.length === 0) throw new OnnxCamError('ERR_MODEL_INVALID', 'the graph has no operators');
  const made = new Set(sorted.flatMap(node => node.outputs));
  for (const { name } of raw.graph.outputs)
    if (!made.has(name) && !given.has(name))
      throw new OnnxCamError('ERR_MODEL_INVALID', `nothing in the graph makes its output "${name}"`);
  if (raw.graph.outputs.length === 0) throw new OnnxCamError('ERR_MODEL_INVALID', 'the graph has no outputs');

  return new Graph({
    inputs,
    outputs: raw.graph.outputs,
    nodes: sorted,
    initializers,
    opsets: raw.opsets,
    irVersion: raw.irVersion,
    metadata: raw.metadata,
    about: {
      name: raw.graph.name,
      graphDocString: raw.graph.docString,
      domain: raw.domain,
      modelVersion: raw.modelVersion,
      docString: raw.docString,
    },
  });
}

/** Damaged files are found here, by name, rather than as nonsense in a picture. */
function checkSize(weight: TensorProto): void {
  if (weight.dataLocation === DataLocation.EXTERNAL) return;
  const dims = dimsOf(weight);
  const type = typeOfCode(weight.dataType);
  if (!type) return;
  const count = elementCount(dims);
  const stored =
    weight.rawData.byteLength > 0
      ? weight.rawData.byteLength / bytesPerElement(type)
      : Math.max(
          weight.floatData.length,
          weight.int32Data.length,
          weight.int64Data.length,
          weight.doubleData.length,
          weight.uint64Data.length,
        );
  if (dims.some(dim => dim < 0) || stored !== count)
    throw new OnnxCamError(
      'ERR_MODEL_INVALID',
      `damaged or truncated model: weight "${weight.name}" of shape [${dims}] should hold ${count} values and holds ${stored}`,
    );
}
