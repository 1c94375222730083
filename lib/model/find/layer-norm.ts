import type { Graph, GraphNode } from '../graph/graph.ts';

const FUSED = new Set(['LayerNormalization', 'SimplifiedLayerNormalization', 'RMSNormalization']);

/** Normalisations over the last axis. */
export interface LayerNorms {
  /** Outputs: of the operator, or of the last step of one written in pieces (before opset 17). */
  readonly outputs: ReadonlySet<string>;
  /** Tensors between the pieces. */
  readonly inner: ReadonlySet<string>;
}

/**
 * Finds layer normalisations, also those in pieces: (x − mean(x)) / √(mean((x − mean(x))²) + ε), then a gain and a bias.
 * @param constant true for tensors that do not depend on the model's input
 */
export function findLayerNorms(graph: Graph, constant: (tensor: string) => boolean): LayerNorms {
  const outputs = new Set<string>();
  const inner = new Set<string>();
  for (const node of graph.nodes) {
    const [output] = node.outputs;
    if (FUSED.has(node.op)) outputs.add(output!);
    const centred = node.op === 'Div' && node.domain === '' ? centredBy(graph, node) : undefined;
    if (!centred) continue;
    inner.add(centred);
    for (const reader of graph.consumers(centred))
      if (reader.op === 'Pow' || reader.op === 'Mul') inner.add(reader.outputs[0]!);
    let last = output!;
    for (const op of ['Mul', 'Add']) {
      const [next, another] = graph.consumers(last);
      if (!next || another || next.op !== op || !next.inputs.some(constant)) break;
      inner.add(last);
      last = next.outputs[0]!;
    }
    outputs.add(last);
  }
  return { outputs, inner };
}

/** For (x − mean(x)) / Sqrt(…): the tensor x − mean(x). */
function centredBy(graph: Graph, division: GraphNode): string | undefined {
  const [numerator, denominator] = division.inputs as [string, string];
  const difference = graph.producer(numerator);
  if (difference?.op !== 'Sub' || graph.producer(denominator)?.op !== 'Sqrt') return undefined;
  const mean = graph.producer(difference.inputs[1]!);
  return mean?.op === 'ReduceMean' && mean.inputs[0] === difference.inputs[0] ? numerator : undefined;
}
