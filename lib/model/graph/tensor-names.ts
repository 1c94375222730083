import type { GraphProto } from 'onnx-buf';
import type { Graph } from './graph.ts';
import { subgraphsOf } from './subgraphs.ts';

/** What names of tensors begin with that come with lowered operators (lib/model/rewrite/lowering/). */
export const LOWERED = 'onnx_cam/lowered/';

/** The names of all tensors of a graph, and of those inside the bodies of control flow. */
export function tensorNames(graph: Pick<Graph, 'inputs' | 'initializers' | 'nodes'>): Set<string> {
  const names = new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
  for (const { outputs, attributes } of graph.nodes) {
    for (const name of outputs) names.add(name);
    for (const body of subgraphsOf(attributes.protos)) addInner(names, body);
  }
  names.delete('');
  return names;
}

function addInner(names: Set<string>, { input, initializer, node }: GraphProto): void {
  for (const { name } of [...input, ...initializer]) names.add(name);
  for (const { output, attribute } of node) {
    for (const name of output) names.add(name);
    for (const body of subgraphsOf(attribute)) addInner(names, body);
  }
}
