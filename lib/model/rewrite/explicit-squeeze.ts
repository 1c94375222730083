import { toInt64 } from '../../common/sizes.ts';
import type { FactTable } from '../graph/facts.ts';
import { Graph, makeNode } from '../graph/graph.ts';
import { makeTensorProto } from '../graph/tensor-values.ts';

/**
 * The graph with the axes of every Squeeze written out: one that takes all axes of length 1 takes the batch as well where
 * there is one picture, and its result has one axis fewer then.
 */
export function withExplicitSqueezes(graph: Graph, facts: FactTable): Graph {
  const initializers = new Map(graph.initializers);
  let changed = false;
  const nodes = graph.nodes.map(node => {
    const dims = facts.get(node.inputs[0] ?? '')?.dims;
    if (node.op !== 'Squeeze' || node.domain !== '' || node.inputs[1] || node.attributes.has('axes') || !dims)
      return node;
    const axes = dims.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
    if (dims[0] !== -1) return node;
    changed = true;
    if (axes.length === 0) return makeNode('Identity', node.inputs, node.outputs, {}, { name: node.name });
    if (graph.opset < 13) return makeNode('Squeeze', node.inputs, node.outputs, { axes }, { name: node.name });
    const name = `onnx_cam/axes/${axes.join('_')}`;
    initializers.set(name, makeTensorProto(name, 'int64', [axes.length], BigInt64Array.from(axes, toInt64)));
    return makeNode('Squeeze', [node.inputs[0]!, name], node.outputs, {}, { name: node.name });
  });
  if (!changed) return graph;
  const { inputs, outputs, shapes, opsets, irVersion, metadata } = graph;
  return new Graph({ inputs, outputs, nodes, initializers, shapes, opsets, irVersion, metadata });
}
