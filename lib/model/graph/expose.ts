import type { FactTable } from './facts.ts';
import { type Graph, type GraphNode, makeNode } from './graph.ts';
import { makeValueInfo } from './value-info.ts';

/** Readers that ONNX Runtime merges into no node before them. */
const PLAIN_READERS = new Set(['GlobalAveragePool', 'GlobalMaxPool', 'ReduceMean', 'Flatten']);

/**
 * Makes a tensor an output of the graph, through a node with a name of its own: where the tensor itself is exposed, ONNX
 * Runtime's layout pass may fail when a session is created, or leave the output empty when it is run (FastViT's first of
 * two added convolutions). What is an output already, as the model has it, stays one, and what only pools of all positions
 * read, as the last layer of most CNNs, becomes one without a copy. Exposing it again gives the same name.
 * @returns the output's name
 */
export function expose(graph: Graph, tensor: string, facts?: FactTable): string {
  const name = `onnx_cam/out/${tensor}`;
  if (graph.outputs.some(output => output.name === name)) return name;
  if (graph.outputs.some(output => output.name === tensor)) return tensor;
  const known = facts?.get(tensor);
  const output = isLast(graph, tensor) ? tensor : name;
  if (output === name) graph.append(exposingNode(graph, tensor, name));
  graph.outputs.push(makeValueInfo(output, known?.type, known?.dims));
  return output;
}

function isLast(graph: Graph, tensor: string): boolean {
  const readers = graph.consumers(tensor);
  return graph.producer(tensor) !== undefined && readers.length > 0 && readers.every(({ op }) => PLAIN_READERS.has(op));
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
