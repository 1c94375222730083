import type { TensorProto } from 'onnx-buf';
import type { GraphNode } from '../graph/graph.ts';
import { copyOfWeight, makeTensorProto } from '../graph/tensor-values.ts';

/** The weight that a `Constant` node stands for; undefined for other nodes and for strings and sparse values. */
export function constantToTensor(node: GraphNode): TensorProto | undefined {
  const [name] = node.outputs;
  if (node.op !== 'Constant' || node.domain !== '' || !name) return undefined;
  const { attributes } = node;
  const value = attributes.tensor('value');
  if (value) return copyOfWeight(value, { name });
  const ints = attributes.find('value_ints')?.ints;
  if (ints) return makeTensorProto(name, 'int64', [ints.length], BigInt64Array.from(ints));
  const floats = attributes.floats('value_floats');
  if (floats) return makeTensorProto(name, 'float32', [floats.length], Float32Array.from(floats));
  const int = attributes.find('value_int');
  if (int) return makeTensorProto(name, 'int64', [], BigInt64Array.of(int.i));
  const float = attributes.float('value_float');
  if (float !== undefined) return makeTensorProto(name, 'float32', [], Float32Array.of(float));
  return undefined;
}
