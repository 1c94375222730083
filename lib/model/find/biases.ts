import { elementCount } from '../../engine/tensor.ts';
import { constantWeight } from '../graph/constant-chain.ts';
import { dependentTensors, neededNodes } from '../graph/data-flow.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { dimsOf, readNumbers } from '../graph/tensor-values.ts';
import { quantizedWeight } from './quantization.ts';

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
 * topological order; of convolutions also one that an Add of its own adds (dynamic quantisation, TensorFlow). A bias that is
 * computed is passed over.
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
  const weights = (position: number): number[] | undefined => weightValues(graph, node.inputs[position] ?? '');
  if (node.op === 'Conv') {
    const bias = weights(2);
    return bias && Float32Array.from(bias);
  }
  if (node.op === 'Add') return biasAfter(graph, node);
  if (node.op !== 'BatchNormalization') return undefined;
  const [gamma, beta, mean, variance] = [weights(1), weights(2), weights(3), weights(4)];
  if (!gamma || !beta || !mean || !variance) return undefined;
  const epsilon = node.attributes.float('epsilon', 1e-5);
  return Float32Array.from(beta, (b, k) => b - (mean[k]! * gamma[k]!) / Math.sqrt(variance[k]! + epsilon));
}

/** The constant [C, 1, 1] or [1, C, 1, 1] that an Add gives to a convolution without a bias. */
function biasAfter(graph: Graph, { inputs }: GraphNode): Float32Array | undefined {
  const at = inputs.findIndex(name => graph.producer(name)?.op === 'Conv');
  const convolution = at < 0 ? undefined : graph.producer(inputs[at]!)!;
  const channels = convolution && dimsOfWeight(graph, convolution.inputs[1]!)?.[0];
  if (channels === undefined || convolution!.inputs[2]) return undefined;
  const constant = inputs[1 - at]!;
  const reshape = graph.producer(constant);
  const shape = reshape?.op === 'Reshape' ? weightValues(graph, reshape.inputs[1]!) : dimsOfWeight(graph, constant);
  const bias = weightValues(graph, reshape?.op === 'Reshape' ? reshape.inputs[0]! : constant);
  const perChannel = shape && shape.length >= 3 && shape.slice(-2).every(size => size === 1);
  return perChannel && bias?.length === channels ? Float32Array.from(bias) : undefined;
}

function weightOf(graph: Graph, tensor: string) {
  return quantizedWeight(graph, tensor)?.weight ?? constantWeight(graph, tensor);
}

function dimsOfWeight(graph: Graph, tensor: string): number[] | undefined {
  const weight = weightOf(graph, tensor);
  return weight && dimsOf(weight);
}

/** Values of a weight, also of a quantised one. */
function weightValues(graph: Graph, tensor: string): number[] | undefined {
  const quantized = quantizedWeight(graph, tensor);
  if (quantized) return Array.from({ length: elementCount(dimsOf(quantized.weight)) }, (_, i) => quantized.value(i));
  const weight = constantWeight(graph, tensor);
  return weight && readNumbers(weight);
}
