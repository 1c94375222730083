import { expand } from '../autodiff/broadcast.ts';
import { Emitter } from '../autodiff/emitter.ts';
import { reduceSum } from '../autodiff/forms.ts';
import { dependentTensors, neededNodes } from '../model/graph/data-flow.ts';
import type { TensorFacts } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';

/** Where a block of a transformer ends: its tokens [N,T,D], and those of the last block, which the head reads. */
export interface BlockEnd {
  readonly stream: string;
  readonly last: string;
}

/**
 * Appends the logits that the network's head gives to the mean of a block's tokens: every token is replaced by the mean,
 * so that it doesn't matter which of them the head pools.
 * @returns the tensor of the same shape as `logits`
 */
export function appendBlockLogits(
  graph: Graph,
  facts: Map<string, TensorFacts>,
  { stream, last }: BlockEnd,
  logits: string,
): string {
  const emit = new Emitter(graph, facts, 'block');
  const tokens = { name: stream, ...facts.get(stream)! };
  const mean = expand(emit, emit.scale(reduceSum(emit, tokens, [1]), 1 / tokens.dims[1]!), tokens);
  for (const [name, known] of emit.facts) facts.set(name, known);

  const copies = new Map([[last, mean.name]]);
  const dependent = dependentTensors(graph, [last]);
  for (const node of neededNodes(graph, [logits], new Set([last]))) {
    if (!node.outputs.some(name => dependent.has(name))) continue;
    for (const name of node.outputs.filter(Boolean)) {
      const copy = `${mean.name}/${name}`;
      copies.set(name, copy);
      facts.set(copy, facts.get(name)!);
    }
    const renamed = (names: readonly string[]) => names.map(name => copies.get(name) ?? name);
    graph.append({ ...node, name: '', inputs: renamed(node.inputs), outputs: renamed(node.outputs) });
  }
  return copies.get(logits)!;
}
