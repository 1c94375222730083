import type { Tensor } from '../../engine/tensor.ts';
import { Graph, type GraphNode } from '../graph/graph.ts';
import { dependenciesOf } from '../graph/subgraphs.ts';
import { makeTensorProto } from '../graph/tensor-values.ts';
import { makeValueInfo } from '../graph/value-info.ts';
import type { InferredType } from './infer-shapes.ts';

/**
 * Some nodes of a graph without those whose results are known: what they read of known values are weights, and where `types` are
 * given everything else that is read are inputs of known sizes. It has no outputs.
 */
export function partOf(
  graph: Graph,
  nodes: readonly GraphNode[],
  values: ReadonlyMap<string, Tensor>,
  types: ReadonlyMap<string, InferredType> = new Map(),
): Graph {
  const kept = nodes.filter(({ outputs }) => outputs.some(name => name && !values.has(name)));
  const made = new Set<string>();
  const own = kept.map(node => {
    // Known values are weights under their own names.
    const outputs = node.outputs.map(name => (values.has(name) ? `onnx_cam/known/${name}` : name));
    for (const name of outputs) made.add(name);
    return node.outputs.some(name => values.has(name)) ? { ...node, outputs } : node;
  });
  const initializers: Graph['initializers'] = new Map();
  const read = new Set(kept.flatMap(dependenciesOf));
  const inputs = graph.inputs.filter(({ name }) => read.has(name));
  for (const name of read) {
    const weight = graph.initializers.get(name);
    const value = values.get(name);
    const known = types.get(name);
    if (weight) initializers.set(name, weight);
    else if (value) initializers.set(name, makeTensorProto(name, value.type, value.dims, value.data));
    else if (known && !made.has(name)) inputs.push(makeValueInfo(name, known.type, known.dims));
  }
  const { opsets, irVersion } = graph;
  const shapes = graph.shapes.filter(({ name }) => made.has(name));
  return new Graph({ inputs, outputs: [], nodes: own, initializers, shapes, opsets, irVersion });
}
