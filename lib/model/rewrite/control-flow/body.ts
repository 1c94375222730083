import { create } from '@bufbuild/protobuf';
import { type GraphProto, type TensorProto, TensorProtoSchema } from 'onnx-buf';
import { constantToTensor } from '../../file/constant-to-tensor.ts';
import { copyNode } from '../../file/inline-functions.ts';
import { type GraphNode, nodeFromProto } from '../../graph/graph.ts';
import { capturedBy } from '../../graph/subgraphs.ts';

/** A body written out once: its nodes and weights under names of their own, and the names of its outputs. */
export interface Instance {
  readonly nodes: readonly GraphNode[];
  readonly weights: readonly TensorProto[];
  readonly outputs: readonly string[];
}

/**
 * @param prefix start of all names made inside
 * @param inputs actual names of the body's inputs
 * @param results names that the body's outputs are to have; where an output is not made inside, or twice, it keeps its own
 * @param outer names under which the body reads outer tensors, where they are not their own
 */
export function instantiate(
  body: GraphProto,
  prefix: string,
  inputs: readonly string[],
  results: readonly string[] = [],
  outer: ReadonlyMap<string, string> = new Map(),
): Instance {
  const names = new Map<string, string>();
  for (const name of capturedBy(body)) names.set(name, outer.get(name) ?? name);
  for (const [index, { name }] of body.input.entries()) names.set(name, inputs[index] ?? '');
  const made = new Set(body.node.flatMap(node => node.output));
  for (const [index, { name }] of body.output.entries())
    if (results[index] && made.has(name) && !names.has(name)) names.set(name, results[index]);
  const rename = (name: string) => names.get(name) ?? prefix + name;
  const weights = body.initializer.map(weight => renamed(weight, rename(weight.name)));
  const nodes: GraphNode[] = [];
  for (const node of body.node.map(proto => nodeFromProto(copyNode(proto, names, prefix, new Map())))) {
    const value = constantToTensor(node);
    if (value) weights.push(value);
    else nodes.push(node);
  }
  return { nodes, weights, outputs: body.output.map(({ name }) => rename(name)) };
}

function renamed({ $typeName: _type, $unknown: _unknown, ...fields }: TensorProto, name: string): TensorProto {
  return create(TensorProtoSchema, { ...fields, name });
}
