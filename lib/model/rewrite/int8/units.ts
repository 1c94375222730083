import type { TensorProto } from 'onnx-buf';
import { elementCount } from '../../../engine/tensor.ts';
import { constantValues, constantWeight } from '../../graph/constant-chain.ts';
import type { FactTable } from '../../graph/facts.ts';
import type { Graph, GraphNode } from '../../graph/graph.ts';
import { dimsOf, readFloat32 } from '../../graph/tensor-values.ts';
import { floatNodes } from './float-nodes.ts';

/** A convolution or matrix product with constant weights that is computed in int8, with what is folded into it. */
export interface Unit {
  readonly kind: 'conv' | 'matmul';
  readonly node: GraphNode;
  readonly weight: TensorProto;
  /** Output channels. */
  readonly channels: number;
  /** Of convolutions. */
  readonly group: number;
  /** Weights [channels, …] rather than [depth, channels]. */
  readonly channelsFirst: boolean;
  /** Of each output channel, batch normalisation included; absent where it is 0. */
  readonly bias: Float32Array | undefined;
  /** What a batch normalisation behind multiplies each output channel by. */
  readonly factor: Float32Array | undefined;
  /** The tensor that the unit gives, behind batch normalisation and activation. */
  readonly output: string;
  /** Nodes that the unit takes the place of, besides its own. */
  readonly folded: readonly GraphNode[];
}

/**
 * What of a graph is computed in int8. Float stay the nodes of `float-nodes.ts`, convolutions of a single position (squeeze and
 * excitation, heads), which cost nothing, and whatever is not 2-dimensional.
 */
export function findUnits(graph: Graph, facts: FactTable): Unit[] {
  const kept = floatNodes(graph, facts);
  return graph.nodes.flatMap(node => {
    if (node.domain !== '' || kept.has(node) || facts.get(node.inputs[0] ?? '')?.type !== 'float32') return [];
    const found = node.op === 'Conv' ? convUnit(graph, facts, node) : matmulUnit(graph, node);
    return found ? [found] : [];
  });
}

function convUnit(graph: Graph, facts: FactTable, node: GraphNode): Unit | undefined {
  const weight = constantWeight(graph, node.inputs[1] ?? '');
  const dims = facts.get(node.outputs[0]!)?.dims;
  if (weight?.dims.length !== 4 || dims?.length !== 4 || dims[2]! * dims[3]! === 1) return undefined;
  const bias = biasOf(graph, node.inputs[2]);
  if (bias === null) return undefined;
  const channels = dimsOf(weight)[0]!;
  const group = node.attributes.int('group', 1);
  return {
    kind: 'conv',
    node,
    weight,
    channels,
    group,
    channelsFirst: true,
    ...folding(graph, facts, node, bias, channels),
  };
}

/** x·W, and x·W + b of Gemm, whose result is float. */
function matmulUnit(graph: Graph, node: GraphNode): Unit | undefined {
  if (node.op !== 'MatMul' && node.op !== 'Gemm') return undefined;
  const { attributes, inputs, outputs } = node;
  const weight = constantWeight(graph, inputs[1] ?? '');
  if (weight?.dims.length !== 2) return undefined;
  const plain = attributes.float('alpha', 1) === 1 && attributes.float('beta', 1) === 1;
  if (!plain || attributes.int('transA', 0) !== 0) return undefined;
  const channelsFirst = attributes.int('transB', 0) !== 0;
  const channels = dimsOf(weight)[channelsFirst ? 0 : 1]!;
  const bias = biasOf(graph, inputs[2]);
  if (bias === null || (bias && bias.length !== channels)) return undefined;
  const output = outputs[0]!;
  return {
    kind: 'matmul',
    node,
    weight,
    channels,
    group: 1,
    channelsFirst,
    bias,
    factor: undefined,
    output,
    folded: [],
  };
}

/** Undefined without a bias, null where it is computed. */
function biasOf(graph: Graph, name: string | undefined): Float32Array | undefined | null {
  if (!name) return undefined;
  const proto = constantWeight(graph, name);
  return proto ? readFloat32(proto) : null;
}

function folding(
  graph: Graph,
  facts: FactTable,
  node: GraphNode,
  bias: Float32Array | undefined,
  channels: number,
): Pick<Unit, 'bias' | 'factor' | 'output' | 'folded'> {
  const reader = onlyReader(graph, node.outputs[0]!);
  const fold = reader && normalisation(graph, reader, channels);
  const normalised = fold ? reader : node;
  const cut = cutOff(graph, facts, normalised.outputs[0]!);
  return {
    factor: fold?.factor,
    bias: fold ? fold.shift.map((shift, c) => shift + fold.factor[c]! * (bias?.[c] ?? 0)) : bias,
    folded: [normalised, cut].filter(one => one !== undefined && one !== node) as GraphNode[],
    output: (cut ?? normalised).outputs[0]!,
  };
}

/** The Relu or Clip that alone reads a tensor: the ends of a quantised range do its work. */
export function cutOff(graph: Graph, facts: FactTable, tensor: string): GraphNode | undefined {
  const reader = onlyReader(graph, tensor);
  if (reader?.domain !== '') return undefined;
  if (reader.op === 'Relu') return reader;
  if (reader.op !== 'Clip') return undefined;
  const { attributes, inputs } = reader;
  const bound = (input: string | undefined, name: string, open: number) =>
    input ? constantValues(graph, facts, input)?.[0] : (attributes.float(name) ?? open);
  const low = bound(inputs[1], 'min', Number.NEGATIVE_INFINITY);
  const high = bound(inputs[2], 'max', Number.POSITIVE_INFINITY);
  // Ranges include 0: a bound on the other side of it would not be met.
  return low !== undefined && low <= 0 && high !== undefined && high >= 0 ? reader : undefined;
}

function onlyReader(graph: Graph, tensor: string): GraphNode | undefined {
  const [reader, other] = graph.consumers(tensor);
  return other || graph.outputs.some(({ name }) => name === tensor) ? undefined : reader;
}

/** y = factor·x + shift of a batch normalisation with constant statistics. */
function normalisation(
  graph: Graph,
  { op, domain, inputs, outputs, attributes }: GraphNode,
  channels: number,
): { factor: Float32Array; shift: Float32Array } | undefined {
  if (op !== 'BatchNormalization' || domain !== '' || outputs.filter(Boolean).length > 1) return undefined;
  const protos = inputs.slice(1).map(name => constantWeight(graph, name));
  if (protos.length !== 4 || protos.some(proto => !proto || elementCount(dimsOf(proto)) !== channels)) return undefined;
  const [scale, bias, mean, variance] = protos.map(proto => readFloat32(proto!)) as Float32Array[];
  const epsilon = attributes.float('epsilon', 1e-5);
  const factor = scale!.map((value, c) => value / Math.sqrt(variance![c]! + epsilon));
  return { factor, shift: bias!.map((value, c) => value - factor[c]! * mean![c]!) };
}
