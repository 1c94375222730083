import type { FactTable } from '../model/graph/facts.ts';
import type { Graph, GraphNode } from '../model/graph/graph.ts';
import { Emitter } from './emitter.ts';
import { findPath } from './path.ts';
import { gradientRules } from './rules/index.ts';
import type { Value } from './value.ts';

/** A second run of the nodes between a layer and the scores, in which the layer is zero. */
export interface ReferenceRun {
  /** What stands for a tensor there (its batch may be one); undefined for tensors that both runs share. */
  readonly value: (tensor: string) => Value | undefined;
  /** The facts given and those of what was appended. */
  readonly facts: FactTable;
}

/**
 * Appends the run. Only what gradients flow through is run again: masks, chosen indices and conditions are those of the
 * image. Zeros of batch one make the whole run a constant, which the runtime works out when it loads the graph; where
 * nodes read other tensors of the image as well (sizes, a branch around the layer) the zeros have its batch.
 */
export function appendReference(
  graph: Graph,
  facts: FactTable,
  layer: string,
  scores: readonly string[],
): ReferenceRun {
  const { nodes } = findPath(graph, facts, gradientRules, scores, [layer]);
  const emit = new Emitter(graph, facts, 'reference');
  const renamed = new Map<string, string>([[layer, zeros(emit, layer, readsImage(graph, facts, layer, nodes)).name]]);
  for (const { outputs } of nodes)
    for (const output of outputs) if (output) renamed.set(output, `${emit.prefix}/${output}`);
  const rename = (name: string) => renamed.get(name) ?? name;
  graph.append(
    ...nodes.map(node => ({
      ...node,
      name: node.name && `${emit.prefix}/${node.name}`,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
  );
  for (const [tensor, name] of renamed) {
    const known = facts.get(tensor);
    if (known) emit.facts.set(name, { type: known.type, dims: known.dims });
  }
  const value = (tensor: string): Value | undefined => {
    const name = renamed.get(tensor);
    return name === undefined ? undefined : { name, ...emit.facts.get(name)! };
  };
  return { value, facts: emit.facts };
}

function zeros(emit: Emitter, layer: string, wholeBatch: boolean): Value {
  const { type, dims } = emit.facts.get(layer)!;
  if (!wholeBatch && !dims.includes(-1, 1))
    return emit.constant(0, type, [dims[0] === -1 ? 1 : dims[0]!, ...dims.slice(1)]);
  return emit.zerosLike({ name: layer, type, dims });
}

/** Whether nodes behind a layer read tensors that change with the image and do not come through the layer. */
function readsImage(graph: Graph, facts: FactTable, layer: string, nodes: readonly GraphNode[]): boolean {
  const through = new Set([layer, ...nodes.flatMap(({ outputs }) => outputs)]);
  const varying = new Set(graph.inputs.map(({ name }) => name));
  for (const { inputs, outputs } of graph.nodes)
    if (inputs.some(input => varying.has(input))) for (const output of outputs) varying.add(output);
  return nodes.some(({ inputs }) =>
    inputs.some(input => !through.has(input) && varying.has(input) && facts.get(input)?.values === undefined),
  );
}
