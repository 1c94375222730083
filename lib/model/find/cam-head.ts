import { constantValues, constantWeight } from '../graph/constant-chain.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { dimsOf, readTensor, toNumber } from '../graph/tensor-values.ts';
import type { Layer } from './layers.ts';
import type { Logits } from './logits.ts';
import { afterRounding, quantizedWeight } from './quantization.ts';

/** The layer before the pooling, of whatever layout. */
type CamLayer = Pick<Layer, 'name' | 'shape' | 'spatial' | 'channels'> & { readonly layout: string };

/** The linear classifier behind global average pooling, for CAM. */
export interface CamHead {
  readonly classes: number;
  readonly channels: number;
  /** The classifier's weights of one class, float32 [channels]. */
  row(classIndex: number): Float32Array;
}

/** They change neither values nor the order of channels between pooling, classifier and logits. */
const HANDED_ON = new Set(['Identity', 'Dropout', 'Cast', 'Flatten', 'Squeeze', 'Unsqueeze', 'Reshape']);

/**
 * Finds the head that Class Activation Mapping is defined for, between a layer and the logits: global average pooling,
 * one linear classifier (Gemm, MatMul or 1×1 Conv, before or after the pooling; none at all when the layer holds a map
 * for each class) and an optional bias, nothing else.
 * @returns undefined when the rest of the network is anything else
 */
export function findCamHead(graph: Graph, facts: FactTable, layer: CamLayer, logits: Logits): CamHead | undefined {
  let tensor = layer.name;
  let pooled = false;
  let head: CamHead | undefined;
  while (tensor !== logits.tensor) {
    const rounded = afterRounding(graph, tensor);
    if (rounded !== undefined) {
      tensor = rounded;
      continue;
    }
    const consumers = graph.consumers(tensor).filter(node => node.op !== 'Shape');
    const [node] = consumers;
    if (!node || consumers.length > 1 || node.domain !== '') return undefined;
    if (isGlobalAverage(graph, facts, layer, node, tensor)) {
      if (pooled) return undefined;
      pooled = true;
    } else if (!HANDED_ON.has(node.op) && !(node.op === 'Transpose' && pooled) && !isBias(graph, node, tensor)) {
      const classifier = !head && classifierOf(graph, facts, node, tensor, pooled ? undefined : layer);
      if (!classifier || classifier.channels !== layer.channels) return undefined;
      head = classifier;
    } else if (!pooled && HANDED_ON.has(node.op) && !keepsShape(facts, node, tensor)) return undefined;
    tensor = node.outputs[0]!;
  }
  if (!pooled) return undefined;
  // Class maps that are pooled straight into scores: every class has a channel of its own.
  head ??= { classes: layer.channels, channels: layer.channels, row: index => oneHot(layer.channels, index) };
  return head.classes === logits.classes ? head : undefined;
}

function oneHot(length: number, index: number): Float32Array {
  const row = new Float32Array(length);
  row[index] = 1;
  return row;
}

function keepsShape(facts: FactTable, node: GraphNode, tensor: string): boolean {
  return facts.get(node.outputs[0]!)?.dims.join() === facts.get(tensor)?.dims.join();
}

function isGlobalAverage(graph: Graph, facts: FactTable, layer: CamLayer, node: GraphNode, tensor: string): boolean {
  const dims = facts.get(tensor)?.dims;
  const spatialAxes = layer.layout === 'nhwc' ? [1, 2] : layer.shape.slice(2).map((_, index) => index + 2);
  if (layer.layout === 'tokens' || dims?.length !== layer.shape.length) return false;
  switch (node.op) {
    case 'GlobalAveragePool':
      return layer.layout !== 'nhwc';
    case 'ReduceMean': {
      const axes = node.attributes.ints('axes') ?? constantValues(graph, facts, node.inputs[1] ?? '');
      const positive = axes?.map(axis => (axis < 0 ? axis + dims.length : axis)).sort((a, b) => a - b);
      return positive?.join() === spatialAxes.join();
    }
    case 'AveragePool': {
      const out = facts.get(node.outputs[0]!)?.dims;
      const covers = node.attributes.ints('kernel_shape')?.join() === layer.spatial.join();
      const unpadded = (node.attributes.ints('pads') ?? []).every(pad => pad === 0);
      return layer.layout !== 'nhwc' && covers && unpadded && spatialAxes.every(axis => out?.[axis] === 1);
    }
    default:
      return false;
  }
}

function isBias(graph: Graph, node: GraphNode, tensor: string): boolean {
  return node.op === 'Add' && node.inputs.some(name => name !== tensor && constantWeight(graph, name) !== undefined);
}

/** @param before the layer when the classifier comes before the pooling: only a 1×1 convolution then */
function classifierOf(
  graph: Graph,
  facts: FactTable,
  node: GraphNode,
  tensor: string,
  before: CamLayer | undefined,
): CamHead | undefined {
  if (node.inputs[0] !== tensor) return undefined;
  const matrix = matrixOf(graph, node.inputs[1]!);
  if (!matrix) return undefined;
  const { attributes } = node;
  switch (node.op) {
    case 'Conv': {
      const [classes = 0, channels = 0, ...kernel] = matrix.dims;
      const strides = attributes.ints('strides') ?? [];
      const pointwise = kernel.every(size => size === 1) && strides.every(stride => stride === 1);
      const pads = attributes.ints('pads') ?? [];
      if (!pointwise || attributes.int('group', 1) !== 1 || pads.some(pad => pad !== 0)) return undefined;
      return headFrom(matrix, classes, channels, true, 1);
    }
    case 'Gemm':
      if (before || attributes.int('transA', 0) !== 0 || matrix.dims.length !== 2) return undefined;
      return fromMatrix(matrix, attributes.int('transB', 0) === 1, attributes.float('alpha', 1));
    case 'MatMul':
      if (before || matrix.dims.length !== 2 || facts.get(tensor)?.dims.at(-1) !== inner(matrix)) return undefined;
      return fromMatrix(matrix, false, 1);
    default:
      return undefined;
  }
}

/** Weights in memory order; `transposed` when the file's axes are read in reverse order. */
interface Matrix {
  readonly dims: readonly number[];
  readonly transposed: boolean;
  readonly at: (index: number) => number;
}

/** A weight behind Identity, Cast, DequantizeLinear and one Transpose. */
function matrixOf(graph: Graph, tensor: string): Matrix | undefined {
  let weight = weightValues(graph, tensor);
  let transposed = false;
  const producer = graph.producer(tensor);
  if (!weight && producer?.op === 'Transpose') {
    weight = weightValues(graph, producer.inputs[0]!);
    if (weight?.dims.length !== 2) return undefined;
    transposed = (producer.attributes.ints('perm') ?? [1, 0]).join() === '1,0';
  }
  if (!weight) return undefined;
  return { dims: transposed ? [...weight.dims].reverse() : weight.dims, transposed, at: weight.at };
}

function weightValues(graph: Graph, tensor: string): Omit<Matrix, 'transposed'> | undefined {
  const quantized = quantizedWeight(graph, tensor);
  if (quantized) return { dims: dimsOf(quantized.weight), at: quantized.value };
  const weight = constantWeight(graph, tensor);
  let values: ReturnType<typeof readTensor> | undefined;
  return weight && { dims: dimsOf(weight), at: index => toNumber((values ??= readTensor(weight)), index) };
}

function inner(matrix: Matrix): number {
  return matrix.dims[0]!;
}

/** @param classFirst the matrix is [classes, channels], else [channels, classes] */
function fromMatrix(matrix: Matrix, classFirst: boolean, alpha: number): CamHead {
  const [first = 0, second = 0] = matrix.dims;
  return classFirst ? headFrom(matrix, first, second, true, alpha) : headFrom(matrix, second, first, false, alpha);
}

function headFrom(matrix: Matrix, classes: number, channels: number, classFirst: boolean, alpha: number): CamHead {
  const contiguous = classFirst !== matrix.transposed;
  const row = (classIndex: number) =>
    Float32Array.from(
      { length: channels },
      (_, k) => alpha * matrix.at(contiguous ? classIndex * channels + k : k * classes + classIndex),
    );
  return { classes, channels, row };
}
