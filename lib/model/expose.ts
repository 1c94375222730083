import type { FactTable } from './facts.ts';
import { type Graph, type GraphNode, makeNode } from './graph.ts';
import { makeValueInfo } from './value-info.ts';

/**
 * Makes a tensor an output of the graph, through a node with a name of its own: exposing the tensor itself can make
 * session creation fail in ONNX Runtime's layout pass (autodiff.md §5). Exposing it again gives the same name.
 * @returns the output's name
 */
export function expose(graph: Graph, tensor: string, facts?: FactTable): string {
  const name = `onnx_cam/out/${tensor}`;
  if (graph.outputs.some(output => output.name === name)) return name;
  const known = facts?.get(tensor);
  graph.append(exposingNode(graph, tensor, name));
  graph.outputs.push(makeValueInfo(name, known?.type, known?.dims));
  return name;
}

/**
 * ONNX Runtime (1.29 to 1.32) merges a Pad into the convolution behind it without noting that this reads the Pad's input now; an
 * Identity beside it then looks like the only reader and takes the tensor's name away ("Node input … is not a graph
 * input"). It never touches a Concat of one.
 */
function exposingNode(graph: Graph, tensor: string, name: string): GraphNode {
  const padded = graph.consumers(tensor).some(({ op }) => op === 'Pad');
  return padded ? makeNode('Concat', [tensor], [name], { axis: 0 }) : makeNode('Identity', [tensor], [name]);
}
