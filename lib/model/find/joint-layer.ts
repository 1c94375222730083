import { dependentTensors } from '../graph/data-flow.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import type { Columns } from './activation-behind.ts';
import type { Layer } from './layers.ts';

/** They keep each candidate's scores together, or only change their values. */
const PASSED = new Set(['Sigmoid', 'Softmax', 'Identity', 'Cast', 'Split', 'Slice', 'Transpose', 'Reshape']);

/** The tensors that a detector's scores are joined from along the candidates, one for each resolution. */
function scalesOf(graph: Graph, facts: FactTable, { tensor, rowAxis }: Columns): readonly string[] {
  const candidates = facts.get(tensor)!.dims[rowAxis]!;
  let name = tensor;
  for (let node = graph.producer(name); node?.domain === ''; node = graph.producer(name)) {
    if (node.op === 'Concat') {
      const { dims } = facts.get(name)!;
      const axis = node.attributes.int('axis', 0);
      // Along the candidates, or along the columns, of which the scores come last.
      if (dims[axis < 0 ? axis + dims.length : axis] === candidates) return node.inputs;
      name = node.inputs.at(-1)!;
    } else if (PASSED.has(node.op)) name = node.inputs[0]!;
    else break;
  }
  return [name];
}

/**
 * The last layer that a detector's scores depend on at every resolution, by preference an activation's output: with heads at
 * several resolutions none lies on all paths but early ones.
 */
export function jointLayer(
  layers: readonly Layer[],
  graph: Graph,
  facts: FactTable,
  scores: Columns,
): Layer | undefined {
  const scales = scalesOf(graph, facts, scores);
  const reached = (layer: Layer): boolean => {
    const dependent = dependentTensors(graph, [layer.name]);
    return scales.every(scale => dependent.has(scale));
  };
  return layers.findLast(layer => layer.postActivation && reached(layer)) ?? layers.findLast(reached);
}
