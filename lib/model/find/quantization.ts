import type { TensorProto } from 'onnx-buf';
import { elementCount } from '../../engine/tensor.ts';
import { constantWeight } from '../graph/constant-chain.ts';
import type { Graph } from '../graph/graph.ts';
import { dimsOf, readNumbers, readTensor, toNumber } from '../graph/tensor-values.ts';

const QUANTIZE: ReadonlySet<string> = new Set(['QuantizeLinear', 'DynamicQuantizeLinear']);

/** The float tensor that a dequantised one is the rounded (and cut off) copy of; undefined for any other tensor. */
export function beforeQuantization(graph: Graph, tensor: string): string | undefined {
  const dequantize = graph.producer(tensor);
  if (dequantize?.op !== 'DequantizeLinear') return undefined;
  const quantize = graph.producer(dequantize.inputs[0]!);
  return quantize && QUANTIZE.has(quantize.op) ? quantize.inputs[0] : undefined;
}

/** The only tensor that is read in the place of one that is quantised at once; undefined where there is none. */
export function afterRounding(graph: Graph, tensor: string): string | undefined {
  const [quantize, another] = graph.consumers(tensor);
  if (!quantize || !QUANTIZE.has(quantize.op) || another || graph.outputs.some(({ name }) => name === tensor))
    return undefined;
  const [dequantize, other] = graph.consumers(quantize.outputs[0]!);
  return dequantize?.op === 'DequantizeLinear' && !other ? dequantize.outputs[0] : undefined;
}

/**
 * The same where the parameters are fixed: values are cut off only behind the quantisation, which quantisers let stand for
 * the Relu or Clip that they delete.
 */
export function afterQuantization(graph: Graph, tensor: string): string | undefined {
  return graph.consumers(tensor)[0]?.op === 'QuantizeLinear' ? afterRounding(graph, tensor) : undefined;
}

/** A quantised weight, dequantised one value at a time. */
export interface QuantizedWeight {
  readonly weight: TensorProto;
  /** (q − zero) · scale of the value at an index in memory order. */
  readonly value: (index: number) => number;
}

/** The weight behind a DequantizeLinear with constant parameters, one for all or one for each index of its axis. */
export function quantizedWeight(graph: Graph, tensor: string): QuantizedWeight | undefined {
  const node = graph.producer(tensor);
  if (node?.op !== 'DequantizeLinear' || node.attributes.int('block_size', 0) !== 0) return undefined;
  const [weight, scale, zero] = node.inputs.map(name => constantWeight(graph, name));
  if (!weight || !scale || (node.inputs[2] && !zero)) return undefined;
  const scales = readNumbers(scale);
  const zeros = zero ? readNumbers(zero) : [0];
  const dims = dimsOf(weight);
  const axis = node.attributes.int('axis', 1);
  const inner = elementCount(dims.slice((axis < 0 ? axis + dims.length : axis) + 1));
  const along = (values: readonly number[], index: number) => values[Math.floor(index / inner) % values.length]!;
  let stored: ReturnType<typeof readTensor> | undefined;
  const value = (index: number) =>
    (toNumber((stored ??= readTensor(weight)), index) - along(zeros, index)) * along(scales, index);
  return { weight, value };
}

/** Smallest number of a quantised type, by the code of its zero point's element type. */
const LOWEST: Readonly<Record<number, number>> = { 2: 0, 3: -128, 4: 0, 5: -32768 };

/** Linear operators whose output has no bound of its own. */
const UNBOUNDED: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'BatchNormalization']);

/** Whether a dequantised tensor has no negative values because its quantisation cuts them off, as a Relu would. */
export function isCutOffAtZero(graph: Graph, tensor: string): boolean {
  const source = beforeQuantization(graph, tensor);
  if (source === undefined || !UNBOUNDED.has(graph.producer(source)?.op ?? '')) return false;
  const zero = constantWeight(graph, graph.producer(tensor)!.inputs[2] ?? '');
  return zero !== undefined && readNumbers(zero).every(value => value === LOWEST[zero.dataType]);
}
