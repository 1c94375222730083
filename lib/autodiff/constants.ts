import { elementCount } from '../engine/tensor.ts';
import type { FactTable } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import { dimsOf, readNumbers } from '../model/graph/tensor-values.ts';

/** Shapes, indices, bounds and scales are small: nothing longer is read. */
const MAX_LENGTH = 4096;

/** Values of a small constant tensor: found by probing, or a weight, also behind Identity or Cast. */
export function constantValues(graph: Graph, facts: FactTable, name: string): readonly number[] | undefined {
  const found = facts.get(name)?.values;
  if (found) return found;
  const weight = graph.initializers.get(name);
  if (weight) return elementCount(dimsOf(weight)) <= MAX_LENGTH ? readNumbers(weight) : undefined;
  const producer = graph.producer(name);
  const passes = producer?.domain === '' && (producer.op === 'Identity' || producer.op === 'Cast');
  return passes ? constantValues(graph, facts, producer.inputs[0]!) : undefined;
}
