import type { FactTable } from './facts.ts';
import { type Graph, type GraphNode, makeNode } from './graph.ts';
import { makeValueInfo } from './value-info.ts';

/**
 * Makes a tensor an output of the graph, through a node with a name of its own: where the tensor itself is exposed, ONNX
 * Runtime's layout pass may fail when a session is created, or leave the output empty when it is run (FastViT's first of
 * two added convolutions). What is an output already, as the model has it, stays one. Exposing it again gives the same name.
 * @returns the output's name
 */
export function expose(graph: Graph, tensor: string, facts?: FactTable): string {
  const name = `onnx_cam/out/${tensor}`;
  if (graph.outputs.some(output => output.name === name)) return name;
  if (graph.outputs.some(output => output.name === tensor)) return tensor;
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
