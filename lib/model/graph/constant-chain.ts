import type { TensorProto } from 'onnx-buf';
import { elementCount } from '../../engine/tensor.ts';
import type { FactTable } from './facts.ts';
import type { Graph } from './graph.ts';
import { dimsOf, readNumbers } from './tensor-values.ts';

/** Operators that hand a tensor on unchanged when a trained model runs. */
const ALIASES = new Set(['Identity', 'Dropout', 'Cast']);

/** Shapes, indices, bounds and scales are small: nothing longer is read. */
const MAX_LENGTH = 4096;

/** The tensor behind Identity, Dropout and Cast nodes. */
export function behindAliases(graph: Graph, tensor: string): string {
  let name = tensor;
  for (let next = aliasOf(graph, name); next !== undefined; next = aliasOf(graph, name)) name = next;
  return name;
}

/** What a node hands on as this tensor. */
function aliasOf(graph: Graph, tensor: string): string | undefined {
  const node = graph.producer(tensor);
  return node?.domain === '' && ALIASES.has(node.op) && node.outputs[0] === tensor ? node.inputs[0] : undefined;
}

/** The weight behind Identity and Cast nodes (shared or half-precision weights); undefined for computed tensors. */
export function constantWeight(graph: Graph, tensor: string): TensorProto | undefined {
  return graph.initializers.get(behindAliases(graph, tensor));
}

/** Values of a small constant: found by probing, or a weight, also behind aliases; undefined for anything else. */
export function constantValues(graph: Graph, facts: FactTable, tensor: string): readonly number[] | undefined {
  for (let name: string | undefined = tensor; name !== undefined; name = aliasOf(graph, name)) {
    const known = facts.get(name)?.values;
    if (known) return known;
    const weight = graph.initializers.get(name);
    if (weight) return elementCount(dimsOf(weight)) <= MAX_LENGTH ? readNumbers(weight) : undefined;
  }
  return undefined;
}

/** True for a tensor that is made of weights alone. */
export function isConstant(graph: Graph, dependent: ReadonlySet<string>, tensor: string): boolean {
  return !dependent.has(tensor) && graph.has(tensor);
}
