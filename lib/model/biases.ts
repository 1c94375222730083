import { dependentTensors, neededNodes } from './data-flow.ts';
import type { FactTable } from './facts.ts';
import type { Graph, GraphNode } from './graph.ts';
import { readNumbers } from './tensor-values.ts';

/** Feature maps that a convolution or batch normalisation adds a constant to. */
export interface BiasedTensor {
  readonly name: string;
  readonly node: string;
  readonly operator: string;
  /** One value for each channel: the bias, or what batch normalisation adds in all: b − μγ/√(σ² + ε). */
  readonly bias: Float32Array;
}

/**
 * The outputs [N, C, h, w] of convolutions and batch normalisations with a bias, between the image and a target tensor, in
 * topological order. A bias that is no weight of the graph (computed, or quantised) is passed over.
 */
export function biasedTensors(graph: Graph, facts: FactTable, input: string, target: string): BiasedTensor[] {
  const dependent = dependentTensors(graph, [input]);
  return neededNodes(graph, [target]).flatMap(node => {
    const name = node.outputs[0]!;
    if (node.domain !== '' || !dependent.has(name) || facts.get(name)?.dims.length !== 4) return [];
    const bias = biasOf(graph, node);
    return bias ? [{ name, node: node.name, operator: node.op, bias }] : [];
  });
}

function biasOf(graph: Graph, node: GraphNode): Float32Array | undefined {
  const weights = (position: number): number[] | undefined => {
    const proto = graph.initializers.get(node.inputs[position] ?? '');
    return proto && readNumbers(proto);
  };
  if (node.op === 'Conv') {
    const bias = weights(2);
    return bias && Float32Array.from(bias);
  }
  if (node.op !== 'BatchNormalization') return undefined;
  const [gamma, beta, mean, variance] = [weights(1), weights(2), weights(3), weights(4)];
  if (!gamma || !beta || !mean || !variance) return undefined;
  const epsilon = node.attributes.float('epsilon', 1e-5);
  return Float32Array.from(beta, (b, k) => b - (mean[k]! * gamma[k]!) / Math.sqrt(variance[k]! + epsilon));
}
