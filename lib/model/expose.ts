import type { FactTable } from './facts.ts';
import { type Graph, makeNode } from './graph.ts';
import { makeValueInfo } from './value-info.ts';

/**
 * Makes a tensor an output of the graph, through an `Identity` with a name of its own: exposing the tensor itself can
 * make session creation fail in ONNX Runtime's layout pass (autodiff.md §5). Exposing it again gives the same name.
 * @returns the output's name
 */
export function expose(graph: Graph, tensor: string, facts?: FactTable): string {
  const name = `onnx_cam/out/${tensor}`;
  if (graph.outputs.some(output => output.name === name)) return name;
  const known = facts?.get(tensor);
  graph.append(makeNode('Identity', [tensor], [name]));
  graph.outputs.push(makeValueInfo(name, known?.type, known?.dims));
  return name;
}
