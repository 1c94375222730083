import { elementCount } from '../engine/tensor.ts';
import type { Graph } from '../model/graph.ts';
import { dimsOf, readNumbers } from '../model/tensor-values.ts';

/** Value of a tensor that is a weight of one element, also behind Identity or Cast; undefined for anything else. */
export function constantNumber(graph: Graph, name: string): number | undefined {
  const weight = graph.initializers.get(name);
  if (weight) return elementCount(dimsOf(weight)) === 1 ? readNumbers(weight)[0] : undefined;
  const producer = graph.producer(name);
  if (producer?.op === 'Constant') {
    const tensor = producer.attributes.tensor('value');
    if (tensor) return elementCount(dimsOf(tensor)) === 1 ? readNumbers(tensor)[0] : undefined;
    return producer.attributes.float('value_float') ?? producer.attributes.int('value_int');
  }
  return producer?.op === 'Identity' || producer?.op === 'Cast'
    ? constantNumber(graph, producer.inputs[0]!)
    : undefined;
}
