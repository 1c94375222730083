import type { TensorProto } from 'onnx-buf';
import type { FactTable } from './facts.ts';
import type { Graph } from './graph.ts';
import { readNumbers } from './tensor-values.ts';

/** Operators that hand a tensor on unchanged when a trained model runs. */
const ALIASES = new Set(['Identity', 'Dropout', 'Cast']);

/** The tensor behind Identity, Dropout and Cast nodes. */
export function behindAliases(graph: Graph, tensor: string): string {
  let name = tensor;
  for (let node = graph.producer(name); node; node = graph.producer(name)) {
    if (node.domain !== '' || !ALIASES.has(node.op) || node.outputs[0] !== name) break;
    name = node.inputs[0]!;
  }
  return name;
}

/** The weight behind Identity and Cast nodes (shared or half-precision weights); undefined for computed tensors. */
export function constantWeight(graph: Graph, tensor: string): TensorProto | undefined {
  return graph.initializers.get(behindAliases(graph, tensor));
}

/** The values of a small constant, whether the file holds them or shapes make them; undefined for anything else. */
export function constantValues(graph: Graph, facts: FactTable, tensor: string): readonly number[] | undefined {
  const known = facts.get(tensor)?.values;
  if (known) return known;
  const weight = constantWeight(graph, tensor);
  return weight && weight.dims.reduce((product, dim) => product * Number(dim), 1) <= 64
    ? readNumbers(weight)
    : undefined;
}

/** True for a tensor that is made of weights alone. */
export function isConstant(graph: Graph, dependent: ReadonlySet<string>, tensor: string): boolean {
  return !dependent.has(tensor) && graph.has(tensor);
}
